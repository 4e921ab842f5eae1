/** What the status page asks of its validator, and the shape of the answers. */

export interface Block {
  height: number;
  hash: string;
  time: string;
  transactionCount: number;
  proposer: string | null;
}

export interface Organization {
  id: string;
  name: string;
  kind: "MALL" | "MERCHANT";
  publicUrl: string | null;
  pointTypes: { id: string; supply: { issued: string } }[];
}

export interface Validator {
  id: string;
  organization: string;
  status: "OBSERVER" | "VOTER" | "RETIRED";
  connected: boolean;
  publicUrl: string;
}

export interface Status {
  node: {
    chainId: string;
    chainName: string;
    organization: string;
    validator: string;
    role: string;
    term: number;
    leader: string | null;
    height: number;
    stateDigest: string;
    pendingTransactions: number;
    lastBlockTime: string;
    version: string;
    peers: { id: string; connected: boolean; detail: string }[];
  };
  organizations: Organization[];
  validatorSet: { voters: Validator[]; outgoing: Validator[]; observers: Validator[] };
  blocks: Block[];
}

const BLOCK = "{ height hash time transactionCount proposer }";

const VALIDATOR = "{ id organization status connected publicUrl }";

const STATUS = `query Status {
  node {
    chainId chainName organization validator role term leader height stateDigest pendingTransactions lastBlockTime version
    peers { id connected detail }
  }
  organizations { id name kind publicUrl pointTypes { id supply { issued } } }
  validatorSet { voters ${VALIDATOR} outgoing ${VALIDATOR} observers ${VALIDATOR} }
  blocks(last: 10) ${BLOCK}
}`;

export const NEW_BLOCKS = `subscription NewBlocks { blocks ${BLOCK} }`;

export async function fetchStatus(): Promise<Status> {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: STATUS }),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = (await response.json()) as { data?: Status; errors?: { message: string }[] };
  if (!answer.data) throw new Error(answer.errors?.[0]?.message ?? response.statusText);
  return answer.data;
}

export function websocketUrl(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`;
}
