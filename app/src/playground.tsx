/** GraphiQL, bundled: no file of this page comes from anywhere but the validator itself. */

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import "graphiql/graphiql.css";
import { createClient } from "graphql-ws";
import { createRoot } from "react-dom/client";
import { websocketUrl } from "./api";
import "./playground.css";

const FIRST_QUERY = `# One answer, one height: all of it is true
# as of the same block. Ctrl-Enter runs it.
query Alliance {
  node {
    chainName
    organization
    role
    term
    height
    stateDigest
  }
  organizations {
    name
    kind
    pointTypes {
      id
      earnRate { points perFen }
      supply { issued }
    }
  }
  blocks(last: 3) {
    height
    time
    transactionCount
    transactions(first: 2) {
      kind
      outcome
      receipt {
        effects {
          ... on PointsEarned { account pointType amountFen points }
        }
      }
    }
    certificate { term signers }
  }
}
`;

const LIVE_BLOCKS = `# The newest block and every one after it.
# Ctrl-Enter starts and stops it. Without a gap
# from the beginning: blocks(after: 0)
subscription LiveBlocks {
  blocks {
    height
    hash
    time
    transactionCount
    proposer
  }
}
`;

const fetcher = createGraphiQLFetcher({
  url: "/graphql",
  wsClient: createClient({ url: websocketUrl(), lazy: true }),
});

const place = document.getElementById("playground");
if (!place) throw new Error("the page has no place for the playground");
createRoot(place).render(
  <GraphiQL
    fetcher={fetcher}
    defaultQuery={FIRST_QUERY}
    defaultTabs={[{ query: FIRST_QUERY }, { query: LIVE_BLOCKS }]}
    isHeadersEditorEnabled={false}
    shouldPersistHeaders={false}
    defaultEditorToolsVisibility={false}
  >
    <GraphiQL.Logo>
      <a href="/">Jifen 积分</a>
    </GraphiQL.Logo>
  </GraphiQL>,
);
