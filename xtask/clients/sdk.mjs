// @binance/derivatives-trading-usds-futures, the official npm SDK, against the simulator.

import { createRequire } from "node:module";
import { drive } from "./sheet.mjs";
import { KEY, SECRET, SYMBOL, URL, WS } from "./told.mjs";

const { DerivativesTradingUsdsFutures } = createRequire(process.env.NPM_HOME + "/")("@binance/derivatives-trading-usds-futures");

const algo = ({ triggerPrice, callbackRate, reduceOnly, closePosition, ...terms }) => ({
  algoType: "CONDITIONAL",
  symbol: SYMBOL,
  ...terms,
  ...(triggerPrice && { triggerPrice }),
  ...(callbackRate && { callbackRate }),
  // Flags are words to this SDK.
  ...(reduceOnly && { reduceOnly: "true" }),
  ...(closePosition && { closePosition: "true" }),
});

const outcomes = (rows) => rows.map((row) => (row.orderId === undefined ? row.code : String(row.orderId)));

class Sdk {
  lacks = {};

  constructor(secret = SECRET) {
    this.client = new DerivativesTradingUsdsFutures({
      configurationRestAPI: { apiKey: KEY, apiSecret: secret, basePath: URL, timeout: 10000, retries: 0 },
      configurationWebsocketAPI: { apiKey: KEY, apiSecret: secret, wsURL: `${WS}/ws-fapi/v1`, timeout: 10000 },
      configurationWebsocketStreams: { wsURL: WS },
    });
    this.api = this.client.restAPI;
    this.events = [];
  }

  async connect() {
    await this.api.testConnectivity();
    await (await this.api.checkServerTime()).data();
  }

  async markets() {
    return (await (await this.api.exchangeInformation()).data()).symbols.map((symbol) => symbol.symbol);
  }

  async account() {
    const rows = await (await this.api.futuresAccountBalanceV3()).data();
    return Number(rows.find((row) => row.asset === "USDT").balance);
  }

  async leverage(leverage) {
    return (await (await this.api.changeInitialLeverage({ symbol: SYMBOL, leverage })).data()).leverage;
  }

  async stream() {
    const { listenKey } = await (await this.api.startUserDataStream()).data();
    this.connection = await this.client.websocketStreams.connect();
    this.connection.userData(listenKey).on("message", (event) => this.events.push(JSON.stringify(event)));
  }

  heard(order) {
    return this.events.some((event) => event.includes("ORDER_TRADE_UPDATE") && event.includes(order));
  }

  async touch() {
    const book = await (await this.api.symbolOrderBookTicker({ symbol: SYMBOL })).data();
    return [Number(book.bidPrice), Number(book.askPrice)];
  }

  async limit(side, quantity, price) {
    const order = await this.api.newOrder({ symbol: SYMBOL, side, type: "LIMIT", timeInForce: "GTX", quantity, price });
    return String((await order.data()).orderId);
  }

  async query(order) {
    const row = await (await this.api.queryOrder({ symbol: SYMBOL, orderId: BigInt(order) })).data();
    return [row.status, Number(row.price)];
  }

  async openOrders() {
    return (await (await this.api.currentAllOpenOrders({ symbol: SYMBOL })).data()).map((row) => String(row.orderId));
  }

  async modify(order, side, quantity, price) {
    await (await this.api.modifyOrder({ symbol: SYMBOL, side, quantity, price, orderId: BigInt(order) })).data();
  }

  async cancel(order) {
    await (await this.api.cancelOrder({ symbol: SYMBOL, orderId: BigInt(order) })).data();
  }

  async market(side, quantity, reduce) {
    const more = reduce ? { reduceOnly: "true" } : {};
    return String((await (await this.api.newOrder({ symbol: SYMBOL, side, type: "MARKET", quantity, ...more })).data()).orderId);
  }

  async trades() {
    const rows = await (await this.api.accountTradeList({ symbol: SYMBOL })).data();
    return rows.map((row) => [String(row.orderId), Number(row.qty)]);
  }

  async position() {
    const rows = await (await this.api.positionInformationV3({ symbol: SYMBOL })).data();
    return rows.reduce((sum, row) => sum + Number(row.positionAmt), 0);
  }

  async signedBy(apiKey, privateKey) {
    const config = { apiKey, privateKey, basePath: URL, timeout: 10000, retries: 0 };
    const { restAPI } = new DerivativesTradingUsdsFutures({ configurationRestAPI: config });
    return Number((await (await restAPI.futuresAccountBalanceV3()).data()).find((row) => row.asset === "USDT").balance);
  }

  async forged() {
    return (await new Sdk(SECRET + "x").api.accountInformationV3()).data();
  }

  async tooPrecise(quantity) {
    return (await this.api.newOrder({ symbol: SYMBOL, side: "BUY", type: "MARKET", quantity })).data();
  }

  async conditional(terms) {
    return String((await (await this.api.newAlgoOrder(algo(terms))).data()).algoId);
  }

  async conditionals() {
    return (await (await this.api.currentAllAlgoOpenOrders({ symbol: SYMBOL })).data()).map((row) => String(row.algoId));
  }

  async cancelConditional(order) {
    await (await this.api.cancelAlgoOrder({ algoId: BigInt(order) })).data();
  }

  async cancelConditionals() {
    await (await this.api.cancelAllAlgoOpenOrders({ symbol: SYMBOL })).data();
  }

  async conditionalRow(order) {
    const row = await (await this.api.queryAlgoOrder({ algoId: BigInt(order) })).data();
    return [row.algoStatus, row.actualOrderId];
  }

  conditionalTold(order) {
    const told = this.events.map((event) => JSON.parse(event)).filter((event) => event.e === "ALGO_UPDATE");
    return told.filter((event) => String(event.o.aid) === order).map((event) => event.o.X);
  }

  async stopAsOrder(stopPrice) {
    const stop = { symbol: SYMBOL, side: "BUY", type: "STOP_MARKET", quantity: 0.01, stopPrice };
    return (await this.api.newOrder(stop)).data();
  }

  async placeBatch(items) {
    const batchOrders = items.map(([side, quantity, price]) => ({ symbol: SYMBOL, side, type: "LIMIT", timeInForce: "GTX", quantity, price }));
    return outcomes(await (await this.api.placeMultipleOrders({ batchOrders })).data());
  }

  async modifyBatch(items) {
    const batchOrders = items.map(([order, side, quantity, price]) => ({ symbol: SYMBOL, orderId: Number(order), side, quantity, price }));
    return outcomes(await (await this.api.modifyMultipleOrders({ batchOrders })).data());
  }

  async cancelBatch(orders) {
    const orderIdList = orders.map((order) => Number(order));
    return outcomes(await (await this.api.cancelMultipleOrders({ symbol: SYMBOL, orderIdList })).data());
  }

  async ask(call, ...params) {
    this.requests ??= await this.client.websocketAPI.connect();
    return (await this.requests[call](...params)).data;
  }

  async wsAccount() {
    return Number((await this.ask("futuresAccountBalanceV2")).find((row) => row.asset === "USDT").balance);
  }

  async wsLimit(side, quantity, price) {
    const order = await this.ask("newOrder", { symbol: SYMBOL, side, type: "LIMIT", timeInForce: "GTX", quantity, price });
    return String(order.orderId);
  }

  async wsQuery(order) {
    const row = await this.ask("queryOrder", { symbol: SYMBOL, orderId: Number(order) });
    return [row.status, Number(row.price)];
  }

  async wsModify(order, side, quantity, price) {
    await this.ask("modifyOrder", { symbol: SYMBOL, side, quantity, price, orderId: Number(order) });
  }

  async wsCancel(order) {
    await this.ask("cancelOrder", { symbol: SYMBOL, orderId: Number(order) });
  }

  async wsConditional(terms) {
    return String((await this.ask("newAlgoOrder", algo(terms))).algoId);
  }

  async wsCancelConditional(order) {
    await this.ask("cancelAlgoOrder", { algoId: Number(order) });
  }

  async wsLoggedOn(apiKey, privateKey, side, quantity, price) {
    const other = new Sdk();
    other.client = new DerivativesTradingUsdsFutures({
      configurationWebsocketAPI: { apiKey, privateKey, wsURL: `${WS}/ws-fapi/v1`, timeout: 10000 },
    });
    // The SDK has no call of this name, and its general one does not note that the session is logged on: it signs what follows too.
    await other.ask("sendSignedMessage", "session.logon");
    try {
      return await other.wsLimit(side, quantity, price);
    } finally {
      await other.requests.disconnect();
    }
  }

  async close() {
    await this.requests?.disconnect();
    await this.connection?.disconnect();
  }
}

await drive(new Sdk());
