// How the pictures of a document look: the camera in a frame of the document's shape, and what was taken.

/** As in the page, whose build makes it small; what it goes into is made by the page. */
const css = String.raw;

export const style = css`
  .card-steps {
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem 1rem;
    color: var(--soft);
    font-size: 0.9rem;
  }
  .card-steps li[aria-current] {
    color: var(--c-ink);
    font-weight: 650;
    text-decoration: underline 2px var(--c-accent);
    text-underline-offset: 0.35em;
  }
  .kinds {
    border: 0;
    margin: 0;
    padding: 0;
    display: grid;
    gap: 0.5rem;
    min-inline-size: 0;
  }
  .kinds legend {
    padding: 0;
    font-weight: 600;
    margin-bottom: 0.5rem;
  }
  .kinds label {
    display: flex;
    gap: 0.75rem;
    align-items: center;
    min-height: 2.75rem;
    padding: 0.5rem 1rem;
    border: 1px solid var(--edge);
    border-radius: var(--c-radius);
    cursor: pointer;
  }
  .kinds input {
    width: 1.25rem;
    height: 1.25rem;
    margin: 0;
    flex: none;
    accent-color: var(--c-accent);
  }
  .photo {
    display: grid;
    gap: 0.75rem;
  }
  .photo .wrong {
    color: var(--error);
    font-weight: 600;
  }
  .viewer {
    position: relative;
    overflow: hidden;
    border-radius: var(--c-radius);
    background: #000;
    aspect-ratio: 1.586;
    /* With the words above it and the bar below it. */
    width: min(100%, max(16rem, 75vh));
    align-self: center;
  }
  .viewer.page-shape {
    aspect-ratio: 1.42;
  }
  .viewer video {
    display: block;
    width: 100%;
    height: 100%;
    object-fit: cover;
  }
  .viewer::after {
    content: "";
    position: absolute;
    inset: 5%;
    border: 3px solid #fff;
    border-radius: 0.8rem;
    box-shadow:
      0 0 0 1px #000,
      0 0 0 100vmax rgb(0 0 0 / 35%);
    pointer-events: none;
  }
  .taken {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
    gap: 1rem;
    align-items: start;
  }
  .taken canvas {
    display: block;
    width: 100%;
    height: auto;
    max-height: 60vh;
    object-fit: contain;
    border: 1px solid var(--edge);
    border-radius: var(--c-radius);
    background: #000;
  }
  .taken figcaption {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
    align-items: center;
    justify-content: space-between;
    margin-top: 0.5rem;
  }
  .wrongs {
    list-style: disc;
    padding-left: 1.25rem;
  }
  @media (forced-colors: active) {
    .viewer::after {
      border-color: CanvasText;
    }
  }
`;
