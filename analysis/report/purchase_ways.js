"use strict";
// The planner of a purchase's page: what `asteroid-study plan` answers, from the table that the page carries.
const purchaseWays = (() => {
  if (typeof require !== "undefined") globalThis.planner = require("./planner.js");

  /** Unpack what the page carries, once. */
  function opened(data) {
    for (const way of data.ways) {
      way.counts = planner.unpacked(way.n, 16);
      way.chances = planner.unpacked(way.shown, 8);
    }
    data.columns = data.perCent[1] - data.perCent[0] + 1;
    return data;
  }

  function asked(data, way, question) {
    const at = question.target * data.columns + question.confidence - data.perCent[0];
    const promised = way.counts[at] > 0;
    const n = promised ? way.counts[at] : data.most, more = n - data.owned;
    return {
      label: way.label, promised, n, more,
      cost: more * (question.accurate + way.cheap * question.cheap + way.fixed),
      error: way.errors[more],
      chance: way.last[question.target],
      perCent: promised ? way.chances[at] : way.lastShown[question.target],
    };
  }

  /**
   * The ways for a question, the best one first, and the labels owned at the first look that was sure enough, or null:
   * { target: place in data.targets, confidence: per cent, accurate, cheap: CPU seconds of a label }.
   */
  function plan(data, question) {
    const rank = (way) => way.promised ? [0, way.cost] : [1, -way.chance];
    const order = (a, b) => rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1];
    const ways = data.ways.map((way) => asked(data, way, question)).sort(order);
    const sure = data.looks.find(([, chances]) => chances[question.target] >= question.confidence / 100);
    return { ways, enough: sure === undefined ? null : sure[0] };
  }

  return { opened, plan };
})();
if (typeof module !== "undefined") module.exports = purchaseWays;
