/** The status page: the state of the alliance as one validator sees it, live. */

import { createClient } from "graphql-ws";
import { type Block, NEW_BLOCKS, type Organization, type Status, type Validator, fetchStatus, websocketUrl } from "./api";
import { type Language, TEXTS, type Text } from "./texts";

const BLOCKS_SHOWN = 10;
/** Shortest time between two queries, in ms: blocks may come many times a second, people read once a second. */
const REFRESH_MS_MIN = 1_000;
/** Longest time between two queries, in ms: role and links change without a block. */
const REFRESH_MS_MAX = 10_000;
const DIGITS_SHOWN = 16;
const LANGUAGE_KEY = "jifen.language";

let language: Language = chosenLanguage();
let status: Status | undefined;
let blocks: Block[] = [];
let liveText: Text = "connecting";
let refreshedAt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

function chosenLanguage(): Language {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(LANGUAGE_KEY);
  } catch {
    // storage may be switched off; the browser's language decides then
  }
  if (stored === "zh" || stored === "en") return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

const text = (key: Text): string => TEXTS[language][key];
const number = (value: number | bigint): string => new Intl.NumberFormat(language).format(value);
const moment = (iso: string): string =>
  new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(iso));

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  content: string | Node = "",
  attributes: Record<string, string> = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.append(content);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function part(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found;
}

const digits = (hash: string): HTMLElement =>
  element("code", `${hash.slice(0, DIGITS_SHOWN)}…`, { title: hash, "aria-label": hash });

function issued(organization: Organization): bigint {
  return organization.pointTypes.reduce((sum, type) => sum + BigInt(type.supply.issued), 0n);
}

function nameOf(id: string | null): string {
  return status?.organizations.find((organization) => organization.id === id)?.name ?? id ?? text("none");
}

/** All validators that there are: whoever is on its way out still votes. */
function validatorsOf({ validatorSet }: Status): Validator[] {
  const { voters, outgoing, observers } = validatorSet;
  const leaving = outgoing.filter((each) => !voters.some(({ id }) => id === each.id));
  return [...voters, ...leaving, ...observers];
}

/** The organization's name stands for its validator where that is called like it, as those of genesis are. */
function nameOfValidator(id: string | null): string {
  const owner = status && validatorsOf(status).find((validator) => validator.id === id)?.organization;
  return owner === undefined || owner === id ? nameOf(id) : `${nameOf(owner)} (${id})`;
}

function showFacts({ node, organizations }: Status): void {
  const role = `role-${node.role}`;
  const total = organizations.reduce((sum, organization) => sum + issued(organization), 0n);
  const facts: [Text, string | Node, string?][] = [
    ["height", number(node.height), "large"],
    ["total", number(total), "large"],
    ["role", role in TEXTS.en ? text(role as Text) : node.role],
    ["term", number(node.term)],
    ["leader", nameOfValidator(node.leader)],
    ["pending", number(node.pendingTransactions)],
    ["lastBlock", moment(node.lastBlockTime)],
    ["chain", element("code", node.chainId), "half"],
    ["digest", element("code", node.stateDigest), "wide"],
  ];
  part("facts").replaceChildren(
    ...facts.map(([key, value, kind]) => {
      const fact = element("div", element("dt", text(key)), { class: kind ?? "", "data-fact": key });
      fact.append(element("dd", value));
      return fact;
    }),
  );
}

function linkState({ id, connected }: Validator, { node }: Status): HTMLElement {
  if (id === node.validator) return element("span", text("self"), { class: "mark self" });
  const peer = node.peers.find((other) => other.id === id);
  return element("span", text(connected ? "connected" : "apart"), {
    class: `mark ${connected ? "good" : "bad"}`,
    title: peer?.detail ?? "",
  });
}

/** What an organization runs: its validators' links, with their ids where these say something. */
function links(organization: Organization, validators: Validator[], current: Status): HTMLElement {
  const cell = element("td");
  for (const validator of validators) {
    const line = element("div", linkState(validator, current), { "data-validator": validator.id });
    if (validator.id !== organization.id) line.append(" ", element("code", validator.id));
    if (validator.status === "OBSERVER") line.append(` (${text("observer")})`);
    cell.append(line);
  }
  if (validators.length === 0) cell.append(text("none"));
  return cell;
}

function organizationRow(organization: Organization, current: Status): HTMLElement {
  const row = element("tr", element("th", organization.name, { scope: "row" }), { "data-organization": organization.id });
  const own = validatorsOf(current).filter((validator) => validator.organization === organization.id);
  const url = own[0]?.publicUrl ?? organization.publicUrl ?? "";
  row.append(
    element("td", text(organization.kind)),
    element("td", number(issued(organization)), { class: "number" }),
    links(organization, own, current),
    element("td", /^https?:\/\//.test(url) ? element("a", url, { href: url }) : text("none")),
  );
  return row;
}

function blockRow(block: Block): HTMLElement {
  const row = element("tr", element("th", number(block.height), { scope: "row", class: "number" }));
  row.append(
    element("td", element("time", moment(block.time), { datetime: block.time })),
    element("td", number(block.transactionCount), { class: "number" }),
    element("td", block.proposer ? nameOfValidator(block.proposer) : text("genesis")),
    element("td", digits(block.hash)),
  );
  row.setAttribute("data-height", String(block.height));
  return row;
}

function showBlocks(): void {
  const empty = element("tr", element("td", text("noBlocks"), { colspan: "5" }));
  part("blocks").replaceChildren(...(blocks.length > 0 ? blocks.map(blockRow) : [empty]));
}

function showLive(): void {
  const badge = part("live");
  badge.className = `badge ${liveText}`;
  if (badge.textContent !== text(liveText)) badge.textContent = text(liveText);
}

function show(): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const labelled of document.querySelectorAll<HTMLElement>("[data-text]")) {
    labelled.textContent = text(labelled.dataset["text"] as Text);
  }
  const other: Language = language === "zh" ? "en" : "zh";
  const button = part("language");
  button.textContent = other === "zh" ? "中文" : "English";
  button.lang = other;
  showLive();
  if (!status) return;
  const current = status;
  document.title = `${current.node.chainName} · Jifen 积分`;
  part("alliance").textContent = current.node.chainName;
  part("whose").textContent = `${text("validatorOf")} ${nameOf(current.node.organization)}`;
  part("version").textContent = `Jifen ${current.node.version}`;
  showFacts(current);
  part("organizations").replaceChildren(...current.organizations.map((each) => organizationRow(each, current)));
  showBlocks();
}

function take(found: Block[]): void {
  const known = new Map([...blocks, ...found].map((block) => [block.height, block]));
  blocks = [...known.values()].sort((a, b) => b.height - a.height).slice(0, BLOCKS_SHOWN);
}

async function refresh(): Promise<void> {
  refreshedAt = Date.now();
  const problem = part("problem");
  try {
    status = await fetchStatus();
    take(status.blocks);
    problem.hidden = true;
  } catch (error) {
    problem.textContent = `${text("problem")} ${error instanceof Error ? error.message : String(error)}`;
    problem.hidden = false;
  }
  show();
  refreshWithin(REFRESH_MS_MAX);
}

function refreshWithin(delay: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void refresh(), Math.max(delay, refreshedAt + REFRESH_MS_MIN - Date.now()));
}

function setLive(state: Text): void {
  liveText = state;
  showLive();
}

function follow(): void {
  const client = createClient({
    url: websocketUrl(),
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    on: { connected: () => setLive("live"), closed: () => setLive("lost") },
  });
  client.subscribe<{ blocks: Block }>(
    { query: NEW_BLOCKS },
    {
      next: ({ data }) => {
        if (!data) return;
        take([data.blocks]);
        showBlocks();
        refreshWithin(REFRESH_MS_MIN);
      },
      error: () => setLive("lost"),
      complete: () => setLive("lost"),
    },
  );
}

part("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  try {
    localStorage.setItem(LANGUAGE_KEY, language);
  } catch {
    // the choice then lasts as long as the page
  }
  show();
});

show();
void refresh();
follow();
