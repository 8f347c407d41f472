// How the element of consents looks.

import { css } from "lit";

export const consents = css`
  .page {
    container-type: inline-size;
    background: var(--c-paper);
    border: 1px solid var(--line);
    border-radius: calc(var(--c-radius) * 1.6);
  }
  .card,
  .list {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 1rem;
  }
  .card {
    padding: 1.25rem 1rem;
  }
  h2 {
    font-size: 1.35rem;
    outline: none;
  }
  h3 {
    font-size: 1.05rem;
    font-weight: 650;
  }
  .soft {
    color: var(--soft);
  }
  .small {
    font-size: 0.9rem;
  }
  .code {
    font-family: ui-monospace, Menlo, Consolas, monospace;
    font-size: 0.85em;
  }
  .text,
  .long {
    overflow-wrap: anywhere;
    white-space: pre-line;
  }
  .all {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(8rem, 100%), 1fr));
    gap: 0.5rem;
  }
  .one {
    border: 1px solid var(--line);
    border-radius: var(--c-radius);
    padding: 1rem;
    min-width: 0;
  }
  .one .one {
    border-width: 0 0 0 3px;
    border-radius: 0;
    padding: 0 0 0 0.75rem;
  }
  .one.bad {
    border-color: var(--error);
    border-left-width: 4px;
  }
  fieldset {
    border: 0;
    margin: 0;
    padding: 0;
    min-width: 0;
  }
  fieldset,
  .own {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.6rem;
  }
  legend {
    display: block;
    padding: 0;
    margin-bottom: 0.6rem;
    width: 100%;
  }
  legend,
  .check .text,
  .read {
    font-weight: 600;
  }
  .children {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 1.25rem;
    margin-top: 1.25rem;
  }
  .answers {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.5rem;
  }
  .answer,
  .check {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    gap: 0.75rem;
    align-items: center;
    min-height: 2.75rem;
    cursor: pointer;
  }
  .answer {
    border: 1px solid var(--edge);
    border-radius: var(--c-radius);
    padding: 0.5rem 0.75rem;
  }
  .answer:hover {
    background: var(--note-ground);
  }
  .answer:has(input:checked) {
    border-color: var(--c-accent);
    box-shadow: inset 0 0 0 1px var(--c-accent);
    background: var(--note-ground);
  }
  .check {
    align-items: start;
    padding-top: 0.6rem;
    margin-top: -0.6rem;
  }
  input {
    width: 1.5rem;
    height: 1.5rem;
    margin: 0;
    accent-color: var(--c-accent);
  }
  .tag {
    display: inline-block;
    font-size: 0.85rem;
    font-weight: 600;
    border: 1px solid var(--edge);
    border-radius: 1rem;
    padding: 0.05rem 0.6rem;
    margin-bottom: 0.35rem;
  }
  .state {
    color: var(--soft);
    font-size: 0.9rem;
  }
  .state b {
    color: var(--c-ink);
    font-weight: 650;
  }
  .wrong {
    color: var(--error);
    font-weight: 600;
  }
  details > summary {
    min-height: 2.75rem;
    display: flex;
    align-items: center;
    gap: 0.25rem;
    width: fit-content;
    cursor: pointer;
    color: var(--c-accent);
    text-decoration: underline;
    text-underline-offset: 0.15em;
    list-style: none;
    border-radius: var(--c-radius);
  }
  details > summary::-webkit-details-marker {
    display: none;
  }
  details[open] > summary svg {
    transform: rotate(90deg);
  }
  details > p {
    border-left: 3px solid var(--line);
    padding-left: 0.75rem;
  }
  .summary,
  .note {
    border-radius: var(--c-radius);
    padding: 0.75rem 1rem;
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.4rem;
  }
  .summary {
    border: 3px solid var(--error);
  }
  .summary h3 {
    color: var(--error);
  }
  .summary a {
    color: var(--error);
    display: flex;
    align-items: center;
    min-height: 2.75rem;
    font-weight: 600;
  }
  .note {
    background: var(--note-ground);
  }
  .changes {
    list-style: disc;
    padding-left: 1.25rem;
  }
  .changes li {
    overflow-wrap: anywhere;
  }
  .said {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
  }
  .said .note {
    border-left: 4px solid var(--good);
  }
  .bar {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem 0.75rem;
  }
  .bar .main {
    flex: 1 1 14rem;
  }
  .quiet {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .spin {
    display: inline-block;
    vertical-align: -0.15em;
    width: 1.1em;
    height: 1.1em;
    border: 2px solid;
    border-right-color: transparent;
    border-radius: 50%;
    animation: spin 0.9s linear infinite;
    flex: none;
  }
  @keyframes spin {
    to {
      transform: rotate(1turn);
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .spin {
      animation-duration: 4s;
    }
  }
  .loading {
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 1rem;
    min-height: 12rem;
    color: var(--soft);
  }
  .said:not(:has(*)) {
    position: absolute;
  }
  @container (min-width: 28rem) {
    .answers {
      grid-template-columns: repeat(2, minmax(0, 16rem));
    }
  }
  @container (min-width: 40rem) {
    .card {
      padding: 2rem;
      gap: 1.25rem;
    }
    .one {
      padding: 1.25rem 1.5rem;
    }
    .all {
      grid-template-columns: repeat(2, minmax(9rem, 16rem));
    }
    .bar .main {
      flex: 0 1 auto;
      min-width: 11rem;
    }
  }
  @media (forced-colors: active) {
    .answer:has(input:checked) {
      outline: 2px solid Highlight;
      outline-offset: -3px;
    }
  }
`;
