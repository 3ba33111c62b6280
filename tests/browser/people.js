// Four people, each with a question. They begin at the first page and go on by what they see: links, buttons and fields.

import assert from "node:assert/strict";

const link = (page, name) => page.getByRole("link", { name, exact: typeof name === "string" });
const menu = (page, name) => page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true });
const heading = (page, name) => page.getByRole("heading", { name });
const row = (page, name) => page.getByRole("row", { name });
const sees = (locator) => locator.first().waitFor({ state: "visible" });

async function reviewer({ page, to }, site) {
  await to("/");
  await menu(page, "Pushes").click();
  await page.getByText("Filter", { exact: true }).click();
  await page.getByLabel("path contains").fill("menu.ftl");
  await page.getByLabel("locale").fill("fr");
  await page.getByLabel("from").fill(site.yesterday);
  await page.getByRole("button", { name: "Show" }).click();

  await sees(page.getByText("Bug 2 - Open one file"));
  assert.equal(await page.getByText("Strings of the release").count(), 0, "older pushes are left out");
  await link(page, /^diff of push/).first().click();

  await sees(heading(page, /What changed in|push/));
  const open = row(page, /^open /);
  assert.deepEqual(await open.getByRole("deletion").allInnerTexts(), ["le"], "the characters that went");
  assert.deepEqual(await open.getByRole("insertion").allInnerTexts(), ["un"], "and those that came");
}

async function localeLeader({ page, to }) {
  await to("/");
  await menu(page, "Locales").click();
  await link(page, "fr").click();
  await sees(heading(page, /^fr/));
  await sees(row(page, /gecko-strings\/browser.*failure.*5 missing/));
  await link(page, "gecko-strings/browser").first().click();
  await sees(heading(page, "Active runs"));
  await link(page, "locales over time").click();
  await sees(heading(page, /Locales of gecko-strings\/browser over time/));
  await page.getByLabel("At most missing").fill("10");
  await page.getByRole("button", { name: "Show" }).click();
  await sees(page.getByText("A locale is good with at most 10 missing"));

  await menu(page, "Locales").click();
  await link(page, "fr").click();
  await link(page, "history of gecko-strings/browser fr").click();
  await sees(heading(page, "History of gecko-strings/browser fr"));
  await sees(page.getByRole("group", { name: "strings of gecko-strings/browser for fr over time" }));
  await row(page, /2 0 10/).getByRole("link").click();
  await sees(heading(page, /Comparison for gecko-strings\/browser-fr/));
}

async function releaseManager({ page, to }, site) {
  await to("/");
  await menu(page, "Comparisons").click();
  await link(page, "gecko-strings/browser fr").first().click();
  await sees(heading(page, "Compared with the run before"));
  await sees(row(page, /\+3/));
  await link(page, "jump to the first").click();
  await sees(page.getByText("Missing attribute: title"));
  await link(page, "missing").click();
  await sees(page.getByText("dialog.long"));

  await link(page, "l10n-central/fr").first().click();
  await link(page, /^push 2$/).first().click();
  await link(page, "diff of push 2").click();
  await sees(row(page, /^fresh absent Nouveau/));
  await link(page, "the other way round").click();
  await sees(row(page, /^fresh Nouveau absent/));

  await link(page, "l10n-central/fr").first().click();
  await page.getByText("Compare two revisions").click();
  await page.getByLabel("Older revision").fill(site.pinned);
  await page.getByRole("button", { name: "Show what differs" }).click();
  await sees(row(page, /^fresh absent Nouveau/));
}

async function operator({ page, to }) {
  await to("/");
  await menu(page, "Status").click();
  await sees(page.getByText("Repositories that are not complete"));
  const failing = row(page, /l10n-central\/de/);
  await sees(failing.getByText("503"));
  await sees(failing.getByText(/since \d{4}-/));
  await sees(failing.getByText(/next try/));
  await failing.getByRole("link", { name: "l10n-central/de" }).click();
  await sees(heading(page, "l10n-central/de"));
  await sees(page.getByText("503"));

  await link(page, "Elmo").first().click();
  await page.getByLabel("Name contains").fill("de");
  await page.getByRole("button", { name: "Show" }).click();
  await sees(row(page, /l10n-central\/de.*failing/));
}

/** Who asks what, and how they find the answer. */
export const PEOPLE = [
  ["a reviewer finds what changed in our strings since yesterday", reviewer],
  ["the leader of a locale finds where it stands", localeLeader],
  ["a release manager finds what a pin would bring", releaseManager],
  ["an operator finds what is not complete, why, and since when", operator],
];
