// npm `binance` (the community's TypeScript client) against the simulator.

import { createRequire } from "node:module";
import { KEY, SECRET, SYMBOL, URL, WS, drive } from "./sheet.mjs";

const { USDMClient, WebsocketClient, DefaultLogger } = createRequire(process.env.NPM_HOME + "/")("binance");

class Binance {
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
    const quiet = { ...DefaultLogger, trace() {}, info() {}, error: console.error };
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

  async forged() {
    return new Binance(SECRET + "x").api.getAccountInformationV3();
  }

  async tooPrecise(quantity) {
    return this.api.submitNewOrder({ symbol: SYMBOL, side: "BUY", type: "MARKET", quantity });
  }

  async close() {
    this.socket?.closeAll(true);
  }
}

await drive(new Binance());
