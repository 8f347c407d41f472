// How the code for the desk looks: large enough to be read across a counter, and black on white also in the dark, as scanners want it.

/** As in the page, whose build makes it small; what it goes into is made by the page. */
const css = String.raw;

export const style = css`
  .desk {
    display: grid;
    justify-items: center;
    gap: 0.5rem;
    text-align: center;
  }
  .desk-code {
    font: 700 clamp(2.2rem, 1.6rem + 4vw, 3.2rem) / 1.1 ui-monospace, Menlo, Consolas, monospace;
    letter-spacing: 0.06em;
    white-space: nowrap;
  }
  .desk .qr {
    width: 12rem;
    max-width: 100%;
    forced-color-adjust: none;
  }
`;
