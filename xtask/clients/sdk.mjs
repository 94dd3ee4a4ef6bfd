// @binance/derivatives-trading-usds-futures, the official npm SDK, against the simulator.

import { createRequire } from "node:module";
import { KEY, SECRET, SYMBOL, URL, WS, drive } from "./sheet.mjs";

const { DerivativesTradingUsdsFutures } = createRequire(process.env.NPM_HOME + "/")("@binance/derivatives-trading-usds-futures");

class Sdk {
  constructor(secret = SECRET) {
    this.client = new DerivativesTradingUsdsFutures({
      configurationRestAPI: { apiKey: KEY, apiSecret: secret, basePath: URL, timeout: 10000, retries: 0 },
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

  async forged() {
    return (await new Sdk(SECRET + "x").api.accountInformationV3()).data();
  }

  async tooPrecise(quantity) {
    return (await this.api.newOrder({ symbol: SYMBOL, side: "BUY", type: "MARKET", quantity })).data();
  }

  async close() {
    await this.connection?.disconnect();
  }
}

await drive(new Sdk());
