// npm `binance` (the community's TypeScript client) against the simulator.

import { createRequire } from "node:module";
import { drive } from "./sheet.mjs";
import { KEY, SECRET, SYMBOL, URL, WS } from "./told.mjs";

const { USDMClient, WebsocketAPIClient, WebsocketClient, DefaultLogger } = createRequire(process.env.NPM_HOME + "/")("binance");

const quiet = { ...DefaultLogger, trace() {}, info() {}, error: console.error };

const algo = ({ reduceOnly, closePosition, ...terms }) => ({
  algoType: "CONDITIONAL",
  symbol: SYMBOL,
  ...terms,
  // Flags are words to this client.
  ...(reduceOnly && { reduceOnly: "true" }),
  ...(closePosition && { closePosition: "true" }),
});

const outcomes = (rows) => rows.map((row) => (row.orderId === undefined ? row.code : String(row.orderId)));

class Binance {
  lacks = {};

  constructor(secret = SECRET) {
    this.api = new USDMClient({ api_key: KEY, api_secret: secret, baseUrl: URL });
    this.events = [];
  }

  async connect() {
    await this.api.testConnectivity();
    await this.api.getServerTime();
  }

  async markets() {
    return (await this.api.getExchangeInfo()).symbols.map((symbol) => symbol.symbol);
  }

  async account() {
    return Number((await this.api.getBalanceV3()).find((row) => row.asset === "USDT").balance);
  }

  async leverage(leverage) {
    return (await this.api.setLeverage({ symbol: SYMBOL, leverage })).leverage;
  }

  async stream() {
    this.socket = new WebsocketClient(
      { api_key: KEY, api_secret: SECRET, beautify: false, wsUrl: WS, restOptions: { baseUrl: URL } },
      quiet,
    );
    this.socket.on("message", (event) => this.events.push(event));
    this.socket.on("exception", (error) => console.error(error));
    await this.socket.subscribeUsdFuturesUserDataStream();
  }

  heard(order) {
    return this.events.some((event) => event.e === "ORDER_TRADE_UPDATE" && String(event.o.i) === order);
  }

  async touch() {
    const book = (await this.api.getSymbolOrderBookTicker()).find((row) => row.symbol === SYMBOL);
    return [Number(book.bidPrice), Number(book.askPrice)];
  }

  async limit(side, quantity, price) {
    const order = await this.api.submitNewOrder({ symbol: SYMBOL, side, type: "LIMIT", timeInForce: "GTX", quantity, price });
    return String(order.orderId);
  }

  async query(order) {
    const row = await this.api.getOrder({ symbol: SYMBOL, orderId: Number(order) });
    return [row.status, Number(row.price)];
  }

  async openOrders() {
    return (await this.api.getAllOpenOrders({ symbol: SYMBOL })).map((row) => String(row.orderId));
  }

  async modify(order, side, quantity, price) {
    await this.api.modifyOrder({ symbol: SYMBOL, side, quantity, price, orderId: Number(order) });
  }

  async cancel(order) {
    await this.api.cancelOrder({ symbol: SYMBOL, orderId: Number(order) });
  }

  async market(side, quantity, reduce) {
    const more = reduce ? { reduceOnly: "true" } : {};
    return String((await this.api.submitNewOrder({ symbol: SYMBOL, side, type: "MARKET", quantity, ...more })).orderId);
  }

  async trades() {
    return (await this.api.getAccountTrades({ symbol: SYMBOL })).map((row) => [String(row.orderId), Number(row.qty)]);
  }

  async position() {
    return (await this.api.getPositionsV3({ symbol: SYMBOL })).reduce((sum, row) => sum + Number(row.positionAmt), 0);
  }

  async signedBy(api_key, api_secret) {
    const other = new Binance();
    other.api = new USDMClient({ api_key, api_secret, baseUrl: URL });
    return other.account();
  }

  async forged() {
    return new Binance(SECRET + "x").api.getAccountInformationV3();
  }

  async tooPrecise(quantity) {
    return this.api.submitNewOrder({ symbol: SYMBOL, side: "BUY", type: "MARKET", quantity });
  }

  async conditional(terms) {
    return String((await this.api.submitNewAlgoOrder(algo(terms))).algoId);
  }

  async conditionals() {
    return (await this.api.getOpenAlgoOrders({ symbol: SYMBOL })).map((row) => String(row.algoId));
  }

  async cancelConditional(order) {
    await this.api.cancelAlgoOrder({ algoId: Number(order) });
  }

  async cancelConditionals() {
    await this.api.cancelAllAlgoOpenOrders({ symbol: SYMBOL });
  }

  async conditionalRow(order) {
    const row = await this.api.getAlgoOrder({ algoId: Number(order) });
    return [row.algoStatus, row.actualOrderId];
  }

  conditionalTold(order) {
    const told = this.events.filter((event) => event.e === "ALGO_UPDATE" && String(event.o.aid) === order);
    return told.map((event) => event.o.X);
  }

  async stopAsOrder(stopPrice) {
    return this.api.submitNewOrder({ symbol: SYMBOL, side: "BUY", type: "STOP_MARKET", quantity: 0.01, stopPrice });
  }

  async placeBatch(items) {
    const order = ([side, quantity, price]) => ({ symbol: SYMBOL, side, type: "LIMIT", timeInForce: "GTX", quantity, price });
    return outcomes(await this.api.submitMultipleOrders(items.map(order)));
  }

  async modifyBatch(items) {
    const change = ([order, side, quantity, price]) => ({
      symbol: SYMBOL,
      orderId: Number(order),
      side,
      quantity: String(quantity),
      price: String(price),
    });
    return outcomes(await this.api.modifyMultipleOrders(items.map(change)));
  }

  async cancelBatch(orders) {
    return outcomes(await this.api.cancelMultipleOrders({ symbol: SYMBOL, orderIdList: orders.map(Number) }));
  }

  /** Asks over the socket; the time of a request is the caller's to name. */
  async ask(call, ...params) {
    this.requests ??= new WebsocketAPIClient({ api_key: KEY, api_secret: SECRET, beautify: false, wsUrl: WS }, quiet);
    const last = params.pop();
    return (await this.requests[call](...params, { ...last, timestamp: Date.now() })).result;
  }

  async wsAccount() {
    return Number((await this.ask("getFuturesAccountBalanceV2", {})).find((row) => row.asset === "USDT").balance);
  }

  async wsLimit(side, quantity, price) {
    const terms = { symbol: SYMBOL, side, type: "LIMIT", timeInForce: "GTX", quantity, price };
    return String((await this.ask("submitNewFuturesOrder", "usdm", terms)).orderId);
  }

  async wsQuery(order) {
    const row = await this.ask("getFuturesOrderStatus", "usdm", { symbol: SYMBOL, orderId: Number(order) });
    return [row.status, Number(row.price)];
  }

  async wsModify(order, side, quantity, price) {
    await this.ask("modifyFuturesOrder", "usdm", { symbol: SYMBOL, orderId: Number(order), side, quantity, price });
  }

  async wsCancel(order) {
    await this.ask("cancelFuturesOrder", "usdm", { symbol: SYMBOL, orderId: Number(order) });
  }

  async wsConditional(terms) {
    return String((await this.ask("submitNewFuturesAlgoOrder", algo(terms))).algoId);
  }

  async wsCancelConditional(order) {
    await this.ask("cancelFuturesAlgoOrder", { algoId: Number(order) });
  }

  async wsLoggedOn(api_key, api_secret, side, quantity, price) {
    const other = new Binance();
    // It logs on by itself where the key allows it, and then signs nothing.
    other.requests = new WebsocketAPIClient({ api_key, api_secret, beautify: false, wsUrl: WS }, quiet);
    try {
      return await other.wsLimit(side, quantity, price);
    } finally {
      await other.requests.disconnectAll();
    }
  }

  async close() {
    await this.requests?.disconnectAll();
    this.socket?.closeAll(true);
  }
}

await drive(new Binance());
