import { defineConfig } from "@playwright/test";

/** Debian's; Playwright's own browsers are not fetched. */
const executablePath = process.env["RUBRICA_TEST_CHROMIUM"] ?? "/usr/bin/chromium-headless-shell";

export default defineConfig({
  testDir: ".",
  outputDir: "results",
  fullyParallel: true,
  forbidOnly: true,
  retries: 0,
  workers: Number(process.env["RUBRICA_TEST_BROWSERS"] ?? 2),
  timeout: 30_000,
  expect: { timeout: 7_000 },
  reporter: [["line"]],
  use: {
    baseURL: process.env["RUBRICA_TEST_SERVER"] ?? "http://127.0.0.1:8080",
    browserName: "chromium",
    locale: "en-GB",
    timezoneId: "Europe/Madrid",
    viewport: { width: 390, height: 844 },
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath,
      args: [
        // A camera that shows a moving picture, and a person who allows it.
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        // As root, as in a container, there is no sandbox.
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      ],
    },
  },
});
