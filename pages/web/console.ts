// What the console's pages do with script; all else they do without.
//
// Copying an identifier, the key "/" for the search, and a process that is looked at is asked for news while somebody sees it.

/** Between two questions, in milliseconds. */
const ASK_EVERY = 3_000;

/** Longest pause between them after failures. */
const LONGEST_PAUSE = 60_000;

function copying(root: ParentNode): void {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll<HTMLButtonElement>("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      void navigator.clipboard.writeText(button.dataset.copy ?? "").then(() => {
        button.classList.add("copied");
        const words = button.textContent;
        button.textContent = "✓";
        setTimeout(() => (button.textContent = words), 1_500);
      });
    });
  }
}

function searching(): void {
  const field = document.querySelector<HTMLInputElement>("[data-search]");
  if (!field) return;
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
}

/** What is opened stays open over a change: by the position from the end, as what is new comes first. */
function opened(live: Element): number[] {
  const all = [...live.querySelectorAll("details")];
  return all.flatMap((details, position) => (details.open ? [all.length - position] : []));
}

function following(): void {
  let live = document.getElementById("live");
  if (!live) return;
  let pause = ASK_EVERY;
  const later = (): void => void setTimeout(() => void ask(), pause);
  const ask = async (): Promise<void> => {
    if (!live) return;
    // Nobody sees it, or somebody is at a form or a menu in it.
    if (document.hidden || live.contains(document.activeElement)) return later();
    try {
      const url = new URL(location.href);
      url.searchParams.set("after", live.dataset.version ?? "0");
      url.searchParams.delete("done");
      const answer = await fetch(url, { headers: { accept: "text/html", "x-rubrica-asks": "news" }, redirect: "error" });
      if (answer.status === 200) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const next = page.getElementById("live");
        if (next) {
          const open = opened(live);
          live.replaceWith(next);
          live = next;
          const all = [...next.querySelectorAll("details")];
          for (const fromEnd of open) all[all.length - fromEnd]?.setAttribute("open", "");
          copying(next);
        }
      }
      // 401 and 403: the session is over. The next act leads to the way in.
      if (answer.status === 401 || answer.status === 403) return;
      pause = answer.status < 500 ? ASK_EVERY : Math.min(pause * 2, LONGEST_PAUSE);
    } catch {
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
    later();
  };
  later();
}

copying(document);
searching();
following();
