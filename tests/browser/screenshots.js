// Usage: node screenshots.js ELMO FOLDER, where the one is the program. Starts its demo on a free port, looks at it as a visitor
// does, and leaves pictures of what is seen in the folder.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openBrowser, visitor } from "./browser.js";

const WINDOW = { width: 1120, height: 760 };
const TELEPHONE = { width: 360, height: 740 };
const FR = "/dashboard/history?tree=source-strings/browser&locale=fr";
/** Each picture: its name, the page, how it is looked at, and the link that is followed from there. */
const PICTURES = [
  ["dashboard", "/dashboard/"],
  ["dashboard-dark", "/dashboard/", { colorScheme: "dark" }],
  ["history", FR],
  ["pushlog", "/source/pushes/l10n-central/fr"],
  ["diff", "/source/pushes/l10n-central/fr", {}, "diff of push 6"],
  ["team", "/teams/fr"],
  ["telephone", "/source/pushes/", { viewport: TELEPHONE }],
];

const [program, folder] = process.argv.slice(2);
const demo = spawn(program, ["demo", "--every", "86400"], {
  env: { ...process.env, ELMO_LISTEN: "127.0.0.1:0" },
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  const address = await addressOf(demo);
  const browser = await openBrowser();
  for (const asked of PICTURES) await picture(browser, address, ...asked);
  await browser.close();
} finally {
  demo.kill("SIGINT");
  await once(demo, "exit");
}

/** Where the demo says that its pages are, once everything has arrived. */
async function addressOf(demo) {
  for await (const line of createInterface({ input: demo.stdout })) {
    const address = line.match(/^open (http:\S+)\/ /)?.[1];
    if (address) return address;
  }
  throw new Error("the demo ended before it had pages");
}

async function picture(browser, address, name, path, options = {}, link = undefined) {
  const { page, to, leave, complaints } = await visitor(browser, address, { viewport: WINDOW, ...options });
  await to(path);
  if (link) await page.getByRole("link", { name: link }).click();
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await leave();
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
}
