// How a document and its pages look.

import { css } from "lit";

export const sheet = css`
  :host {
    display: block;
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 0.5rem 1rem;
  }
  .head h2 {
    overflow-wrap: anywhere;
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem;
    padding: 0.5rem 0;
  }
  .tools .level {
    min-width: 3.5rem;
    text-align: center;
    font-variant-numeric: tabular-nums;
  }
  .jump {
    display: inline-flex;
    align-items: center;
    gap: 0.5rem;
  }
  .jump input {
    width: 5rem;
    min-height: 2.75rem;
    padding: 0.25rem 0.5rem;
    border: 2px solid var(--edge);
    background: var(--c-paper);
    font: inherit;
    color: inherit;
  }
  .tag {
    display: inline-block;
    font-size: 0.85rem;
    border: 1px solid var(--edge);
    border-radius: 1rem;
    padding: 0.1rem 0.6rem;
    color: var(--soft);
  }
  .pages {
    background: var(--frame, #6b7480);
    border-radius: var(--c-radius);
    padding: 0.5rem;
    overflow-x: auto;
  }
  .stack {
    display: grid;
    gap: 0.5rem;
    width: 100%;
  }
  .stack[data-zoom="1.25"] {
    width: 125%;
  }
  .stack[data-zoom="1.5"] {
    width: 150%;
  }
  .stack[data-zoom="2"] {
    width: 200%;
  }
  .stack[data-zoom="3"] {
    width: 300%;
  }
  .leaf {
    position: relative;
    background: #fff;
    color: #1a1f27;
    scroll-margin-top: 0.5rem;
  }
  .leaf:focus,
  .plain:focus {
    outline: none;
  }
  .leaf img {
    display: block;
    width: 100%;
    height: auto;
  }
  .leaf svg.text {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
  }
  svg.text text {
    fill: transparent;
    font-family: sans-serif;
    cursor: text;
    user-select: text;
    white-space: pre;
  }
  svg.text text::selection {
    background: rgb(29 79 145 / 0.35);
  }
  .number {
    position: absolute;
    right: 0.35rem;
    bottom: 0.35rem;
    font-size: 0.75rem;
    padding: 0 0.4rem;
    border-radius: 1rem;
    background: rgb(255 255 255 / 0.9);
    color: #454f5c;
    pointer-events: none;
  }
  .words {
    background: var(--c-paper);
    color: var(--c-ink);
    border: 1px solid var(--line);
    border-radius: var(--c-radius);
    padding: 0.5rem 1rem;
    max-width: 44rem;
  }
  .words h3 {
    font-size: 0.85rem;
    font-weight: 600;
    color: var(--soft);
    margin: 1rem 0 0.25rem;
  }
  .words p {
    margin: 0 0 0.6rem;
  }
  .gap {
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 0.5rem;
    text-align: center;
    padding: 1.5rem;
    aspect-ratio: 1 / 1.414;
    max-height: 40rem;
    width: 100%;
  }
  .gap button,
  .gap a.button {
    background: #fff;
    color: #1d4f91;
  }
  @media (max-width: 41.99rem) {
    /* To the edges of the window. */
    .pages {
      margin: 0 -1rem;
      border-radius: 0;
      padding: 0.5rem 0;
    }
    .tools {
      gap: 0.25rem;
    }
    .tools > button,
    .tools > a.button {
      padding-inline: 0.5rem;
    }
    .tools .level {
      min-width: 3rem;
    }
    .tools a .label {
      position: absolute;
      width: 1px;
      height: 1px;
      overflow: hidden;
      clip-path: inset(50%);
      white-space: nowrap;
    }
  }
`;
