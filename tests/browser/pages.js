// What holds of every page, whatever people wrote into it.

import assert from "node:assert/strict";
import axe from "axe-core";

/** As wide as a small telephone. */
const NARROW = { width: 360, height: 740 };
const WIDE = { width: 1280, height: 900 };
const LARGEST = 1_000_000;
/** What turns the direction of reading, for all that stands after it too. */
const TURNS = /[\u202a-\u202e\u2066-\u2069\0]/u;

/** Says what it must, for its status, in a size that can be read. */
export async function saysWhatItMust({ page, to }, { path, status, says }) {
  const answer = await to(path);
  const bytes = (await answer.body()).length;
  const text = await mainText(page);
  assert.equal(answer.status(), status, path);
  assert.ok(bytes < LARGEST, `${bytes} bytes`);
  for (const part of says) assert.ok(text.includes(part), `${part} is not in:\n${text}`);
  const everything = await page.evaluate(() => document.title + document.body.innerText + document.body.outerHTML);
  assert.doesNotMatch(everything, TURNS);
  return text;
}

/** Everybody can read and use it, by whatever means. */
export async function isAccessible({ page }, colorScheme) {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.flatMap(({ id, help, nodes }) =>
    nodes.slice(0, 3).map(({ target, failureSummary }) => `${id}: ${help}: ${target}\n${failureSummary}`));
  assert.deepEqual(told, [], told.join("\n"));
}

/** Never wider than a telephone. */
export async function fitsATelephone({ page }) {
  await page.setViewportSize(NARROW);
  const { has, needs, widest } = await page.evaluate(() => {
    const root = document.documentElement;
    const right = (element) => element.getBoundingClientRect().right;
    const beyond = [...document.querySelectorAll("body *")].filter((element) => right(element) > root.clientWidth + 1);
    const shown = beyond.filter((element) => !element.closest(".scroll"));
    return { has: root.clientWidth, needs: root.scrollWidth, widest: shown.slice(0, 5).map((element) => element.outerHTML.slice(0, 200)) };
  });
  await page.setViewportSize(WIDE);
  assert.ok(needs <= has, `it is ${needs} wide, and ${has} are there:\n${widest.join("\n")}`);
}

/** Its links within the site. */
export async function linksOf({ page }) {
  return page.evaluate(() => [...document.querySelectorAll("a[href]")].map((link) => link.href.split("#")[0]).filter((url) => url.startsWith(location.origin)));
}

export async function mainText(page) {
  return page.getByRole("main").innerText();
}
