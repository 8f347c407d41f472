// How the pad looks. What is drawn is ink on paper, in the dark and in forced colours as well.

/** As in the page, whose build makes it small; what it goes into is made by the page. */
const css = String.raw;

export const style = css`
  .hand {
    display: grid;
    gap: 0.5rem;
  }
  .hand .wrong {
    color: var(--error);
    font-weight: 600;
  }
  .pad {
    /* On narrow screens a thumb that scrolls needs room at both sides. */
    margin-inline: max(0px, 20px - 1rem);
    border: 2px solid var(--edge);
    border-radius: var(--c-radius);
    overflow: hidden;
    background: linear-gradient(#b4bcc8, #b4bcc8) 50% 78% / 88% 1px no-repeat #fff;
    forced-color-adjust: none;
  }
  .bad .pad {
    border-color: var(--error);
  }
  .pad canvas {
    display: block;
    width: 100%;
    aspect-ratio: 3 / 1;
    touch-action: none;
    cursor: crosshair;
    user-select: none;
    -webkit-user-select: none;
    -webkit-touch-callout: none;
  }
  .pad-tools {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem;
  }
  .hand .qr {
    width: 14rem;
    max-width: 100%;
    forced-color-adjust: none;
  }
  .hand details a {
    display: inline-flex;
    align-items: center;
    min-height: 2.75rem;
    margin-right: 1rem;
    overflow-wrap: anywhere;
  }
  @media (forced-colors: active) {
    .pad {
      border-color: CanvasText;
    }
  }
`;
