// The steps over the WebSocket API: the same list, with the same methods of a client, as wsapi.py.

import { QTY, check, equal, exact, issueKey, near, refused, step } from "./told.mjs";

/** Takes a client through all steps over the socket. */
export const wsapi = async (client) => {
  const held = {};
  const rests = async (price) => equal(await client.query(held.id), ["NEW", price], "the order over REST");
  const place = async () => {
    held.price = near((await client.touch())[0], -3);
    held.id = await client.wsLimit("BUY", QTY, held.price);
    await rests(held.price);
  };
  const placed = (act) => async () => {
    if (held.id === undefined) await place();
    await act();
  };

  const named = {
    "ws account": async () => equal(await client.wsAccount(), await client.account(), "the wallet, over the socket and over REST"),
    "ws place": place,
    "ws query": placed(async () => equal(await client.wsQuery(held.id), ["NEW", held.price], "the order")),
    "ws modify": placed(async () => {
      const price = exact(held.price - 10);
      await client.wsModify(held.id, "BUY", QTY, price);
      await rests(price);
    }),
    "ws cancel": placed(async () => {
      await client.wsCancel(held.id);
      equal((await client.query(held.id))[0], "CANCELED", "status");
    }),
    "ws stop": async () => {
      const triggerPrice = near((await client.touch())[1], 3);
      const order = await client.wsConditional({ type: "STOP_MARKET", side: "BUY", quantity: QTY, triggerPrice });
      check((await client.conditionals()).includes(order), `${order} is not among the open conditional orders`);
      await client.wsCancelConditional(order);
      check(!(await client.conditionals()).includes(order), "still listed after the cancel");
    },
    "ws crossing": () => refused(async () => client.wsLimit("BUY", QTY, near((await client.touch())[1], 1)), -5022),
    "ws logon": async () => {
      const price = near((await client.touch())[0], -3);
      const order = await client.wsLoggedOn("ws-ed25519", await issueKey("ws-ed25519"), "BUY", QTY, price);
      equal(await client.query(order), ["NEW", price], "the order over REST");
      await client.cancel(order);
    },
  };
  for (const [name, act] of Object.entries(named)) await step(name, act, client.lacks[name]);
};
