// Usage: node stories.js SITE.json, where the file says at which address a site is, and which pages it has:
// {"address": "http://127.0.0.1:…", "yesterday": "2026-11-23", "pages": [{"name", "path", "status", "says": [texts]}]}
// Ends well if people find their answers there and every page is as it should be, with JavaScript and without.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openBrowser, visitor } from "./browser.js";
import { fitsATelephone, isAccessible, linksOf, saysWhatItMust, unfolds } from "./pages.js";
import { PEOPLE } from "./people.js";

const site = JSON.parse(readFileSync(process.argv[2], "utf8"));
const browser = await openBrowser();
const texts = new Map();
const links = new Set();

async function visiting(options, story) {
  const guest = await visitor(browser, site.address, options);
  try {
    await story(guest);
    assert.deepEqual(guest.complaints, []);
  } finally {
    await guest.leave();
  }
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "" : ", without JavaScript";
  for (const [told, way] of PEOPLE) {
    test(told + how, () => visiting({ javaScriptEnabled }, (guest) => way(guest, site)));
  }
}

test("every page is for everybody", (all) => visiting({}, async (guest) => {
  for (const page of site.pages) await all.test(page.name, async (story) => {
    texts.set(page.name, await saysWhatItMust(guest, page));
    (await linksOf(guest)).forEach((link) => links.add(link));
    await unfolds(guest);
    for (const scheme of ["light", "dark"]) await story.test(scheme, () => isAccessible(guest, scheme));
    await story.test("on a telephone", () => fitsATelephone(guest));
  });
}));

test("every page says the same without JavaScript", () => visiting({ javaScriptEnabled: false }, async (guest) => {
  for (const page of site.pages) assert.equal(await saysWhatItMust(guest, page), texts.get(page.name), page.name);
}));

test("every link leads somewhere", async () => {
  const statuses = await Promise.all([...links].map(async (link) => [link, (await fetch(link, { method: "HEAD" })).status]));
  assert.deepEqual(statuses.filter(([, status]) => status >= 400), []);
});

test("the browser ends", () => browser.close());
