// A browser that asks nobody but the site it is shown, and visitors who note whatever happens to them there.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
// Nothing but this machine has a name, and nothing runs that would ask the browser's makers.
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];
/** How long anything may take on a busy machine, in milliseconds. */
const PATIENCE = 10_000;

/** Starts the browser, with a folder of its own that goes when it ends. It ends with this program, however that ends. */
export async function openBrowser() {
  const executablePath = PROGRAMS.find(existsSync);
  if (!executablePath) throw new Error(`Chromium is missing: none of ${PROGRAMS.join(", ")} is there. bin/install-browser installs it.`);
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** Somebody with a window of their own on the site at `address`. What a good page never does to them is in `complaints`. */
export async function visitor(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", timezoneId: "UTC", ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const complaints = [];
  const note = (text) => complaints.push(`${text} (on ${page.url()})`);
  page.on("dialog", (dialog) => { note(`a dialog says ${dialog.message()}`); return dialog.dismiss(); });
  page.on("pageerror", (error) => note(`a script fails: ${error}`));
  page.on("console", (message) => isComplaint(message, page) && note(`the console says: ${message.text()}`));
  page.on("request", (request) => isElsewhere(request.url(), address) && note(`it asks for ${request.url()}`));
  return { page, complaints, to: (path) => page.goto(address + path), leave: () => context.close() };
}

/** Chromium says of every page of an error that it is one; all else that it warns of is the page's fault. */
function isComplaint(message, page) {
  const isAboutThePage = message.text().startsWith("Failed to load resource") && message.location().url === page.url();
  return ["error", "warning"].includes(message.type()) && !isAboutThePage;
}

function isElsewhere(url, address) {
  return !url.startsWith(`${address}/`) && !url.startsWith("data:");
}
