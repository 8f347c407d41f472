// Waits for news of a signature: asks again and again, each time until something happens or the server has nothing to say.

import { Problem } from "./api.js";
import type { Invitation } from "./types.js";

/** Pauses after what fails, in milliseconds: doubled up to the second one. */
const PAUSE = 1_000;
const MAX_PAUSE = 30_000;

export class News {
  private ending: AbortController | null = null;

  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<Invitation | null>,
    /** Reads how it is now: what is done where too many wait already. */
    private readonly look: () => Promise<unknown>,
    private readonly tell: (invitation: Invitation) => void,
    /** Whether there can be any. */
    private readonly wanted: () => boolean,
  ) {}

  get running(): boolean {
    return this.ending !== null;
  }

  start(): void {
    if (this.ending || !this.wanted()) return;
    this.ending = new AbortController();
    void this.follow(this.ending.signal);
  }

  stop(): void {
    this.ending?.abort();
    this.ending = null;
  }

  private async follow(signal: AbortSignal): Promise<void> {
    let pause = PAUSE;
    while (!signal.aborted && this.wanted()) {
      try {
        const next = await this.ask(signal);
        pause = PAUSE;
        if (next && !signal.aborted) this.tell(next);
      } catch (error) {
        if (signal.aborted) return;
        const asked = error instanceof Problem && error.retryAfter !== null ? error.retryAfter * 1_000 : 0;
        await new Promise((go) => setTimeout(go, Math.min(MAX_PAUSE, Math.max(pause, asked))));
        pause = Math.min(MAX_PAUSE, pause * 2);
        if (error instanceof Problem && error.status === 429 && !signal.aborted) await this.look();
      }
    }
    if (this.ending?.signal === signal) this.ending = null;
  }
}
