// How the page of a signature looks.

import { css } from "lit";

export const page = css`
  .page {
    min-height: var(--least-height, 0);
    display: flex;
    flex-direction: column;
    background: var(--c-ground);
    border-top: 4px solid var(--c-accent);
  }
  .inner {
    width: 100%;
    max-width: 40rem;
    margin: 0 auto;
    display: flex;
    flex-direction: column;
    flex: 1;
  }
  .wide .inner {
    max-width: 54rem;
  }
  .top {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 1rem;
    padding: 0.6rem 1rem;
  }
  .logo {
    display: block;
    max-width: min(10rem, 45vw);
    max-height: 3rem;
    /* Logos are made for light paper. */
    background: #fff;
    padding: 0.2rem 0.4rem;
    border-radius: calc(var(--c-radius) / 2);
  }
  .who {
    font-weight: 650;
    overflow-wrap: anywhere;
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    overflow: hidden;
  }
  select {
    min-height: 2.75rem;
    max-width: 100%;
    padding: 0.3rem 0.5rem;
    border: 1px solid var(--edge);
    background: var(--c-paper);
  }
  .card {
    background: var(--c-paper);
    padding: 1.25rem 1rem;
    flex: 1;
    display: flex;
    flex-direction: column;
    gap: 1rem;
  }
  .card > form,
  .flow {
    display: flex;
    flex-direction: column;
    gap: 1rem;
    flex: 1;
  }
  .progress {
    color: var(--soft);
    font-size: 0.9rem;
    margin-bottom: -0.75rem;
    display: flex;
    align-items: center;
    gap: 0.75rem;
  }
  .track {
    display: inline-flex;
    gap: 0.25rem;
  }
  .track i {
    width: 1.5rem;
    height: 0.3rem;
    border-radius: 1rem;
    background: var(--line);
  }
  .track i.past {
    background: var(--c-accent);
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
  .box {
    border: 1px solid var(--line);
    border-radius: var(--c-radius);
    padding: 0.75rem 1rem;
  }
  .box h2 {
    font-size: 0.95rem;
    color: var(--soft);
    font-weight: 600;
  }
  .files li {
    display: flex;
    gap: 0.6rem;
    align-items: flex-start;
    padding: 0.5rem 0;
  }
  .files li + li {
    border-top: 1px solid var(--line);
  }
  .files svg {
    margin-top: 0.15rem;
    color: var(--soft);
  }
  .files a {
    display: inline-flex;
    align-items: center;
    min-height: 2.75rem;
  }
  .files li:has(a) {
    align-items: center;
  }
  .note {
    background: var(--note-ground);
    border-radius: var(--c-radius);
    padding: 0.75rem 1rem;
    border: 1px solid transparent;
  }
  .note.bad {
    background: var(--error-ground);
    border-color: var(--error);
  }
  .steps {
    display: grid;
    gap: 0.5rem;
    counter-reset: step;
  }
  .steps li {
    counter-increment: step;
    display: flex;
    gap: 0.75rem;
    align-items: baseline;
  }
  .steps li::before {
    content: counter(step);
    flex: none;
    width: 1.6rem;
    height: 1.6rem;
    line-height: 1.6rem;
    text-align: center;
    border-radius: 50%;
    background: var(--note-ground);
    color: var(--c-ink);
    font-size: 0.85rem;
    font-weight: 650;
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
  details > summary svg {
    transition: transform 0.15s;
  }
  details[open] > summary svg {
    transform: rotate(90deg);
  }
  details > div {
    border-left: 3px solid var(--line);
    padding: 0.25rem 0 0.25rem 1rem;
    display: grid;
    gap: 0.5rem;
    justify-items: start;
  }
  .summary {
    border: 3px solid var(--error);
    border-radius: var(--c-radius);
    padding: 0.75rem 1rem;
  }
  .summary h2 {
    color: var(--error);
  }
  .summary a {
    color: var(--error);
    font-weight: 600;
    display: inline-flex;
    align-items: center;
    min-height: 2.75rem;
  }
  .field {
    display: grid;
    gap: 0.3rem;
    justify-items: start;
  }
  .field label {
    font-weight: 600;
  }
  .field .wrong {
    color: var(--error);
    font-weight: 600;
  }
  .field.bad {
    border-left: 4px solid var(--error);
    padding-left: 0.75rem;
  }
  input[type="text"],
  input[type="email"],
  textarea {
    width: 100%;
    min-height: 2.75rem;
    padding: 0.5rem 0.75rem;
    border: 2px solid var(--edge);
    background: var(--c-paper);
  }
  .bad input[type="text"],
  .bad input[type="email"],
  .bad textarea {
    border-color: var(--error);
  }
  input.digits {
    max-width: 15rem;
    font-size: 1.6rem;
    letter-spacing: 0.25em;
    font-variant-numeric: tabular-nums;
  }
  textarea {
    min-height: 7rem;
    resize: vertical;
  }
  .field .check {
    display: grid;
    grid-template-columns: auto 1fr;
    gap: 0.75rem;
    align-items: start;
    padding: 0.6rem 0;
    cursor: pointer;
    font-weight: 400;
  }
  .check input {
    width: 1.75rem;
    height: 1.75rem;
    margin: 0;
    accent-color: var(--c-accent);
  }
  .resend {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.25rem 1rem;
  }
  .bar {
    margin: auto -1rem -1.25rem;
    padding: 0.75rem 1rem max(0.75rem, env(safe-area-inset-bottom));
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 0.75rem;
    background: var(--c-paper);
    border-top: 1px solid var(--line);
  }
  .bar .main,
  .bar .danger {
    flex: 1 1 14rem;
  }
  .bar button:not(.main, .danger) {
    flex: 0 1 auto;
  }
  @media (min-height: 480px) {
    .bar {
      position: sticky;
      bottom: 0;
      z-index: 2;
    }
  }
  .done {
    display: grid;
    place-items: center;
    width: 3.5rem;
    height: 3.5rem;
    border-radius: 50%;
    border: 2px solid currentColor;
    color: var(--good);
    font-size: 1.5rem;
  }
  .done.end {
    color: var(--soft);
  }
  .foot {
    padding: 1rem;
    color: var(--soft);
    font-size: 0.9rem;
  }
  .foot a {
    color: inherit;
    display: inline-flex;
    align-items: center;
    min-height: 2.75rem;
    margin-right: 1rem;
    overflow-wrap: anywhere;
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
    details > summary svg {
      transition: none;
    }
  }
  .loading {
    flex: 1;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 1rem;
    min-height: 12rem;
    font-size: 1.5rem;
    color: var(--soft);
  }
  @media (min-width: 42rem) {
    .inner {
      padding: 1rem;
    }
    .top {
      padding: 0.5rem 0;
    }
    .card {
      flex: none;
      border: 1px solid var(--line);
      border-radius: calc(var(--c-radius) * 1.6);
      padding: 2rem;
      gap: 1.25rem;
    }
    .bar {
      margin: auto -2rem -2rem;
      padding: 1rem 2rem;
      border-radius: 0 0 calc(var(--c-radius) * 1.6) calc(var(--c-radius) * 1.6);
    }
    .bar .main,
    .bar .danger,
    .bar button:not(.main, .danger) {
      flex: 0 1 auto;
      min-width: 6rem;
    }
    .bar .main,
    .bar .danger {
      min-width: 11rem;
    }
    .foot {
      padding: 1rem 0;
    }
  }
`;
