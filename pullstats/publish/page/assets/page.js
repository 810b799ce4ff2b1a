(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);

  // Tables as CSV: exact values where a cell rounds, cells guarded that a spreadsheet would run.
  const value = (cell) => {
    const exact = cell.querySelector("data");
    const text = (exact ? exact.value : cell.textContent).trim();
    if (exact || !cell.classList.contains("n")) return text;
    return text === "–" ? "" : text.replaceAll(",", "");
  };
  const guard = (text) => (/^ *[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(text) && !/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? "'" + text : text);
  const quote = (text) => (/[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);
  const write = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => quote(guard(value(cell)))).join(",")).join("\n") + "\n";
  const copyOld = (text) => {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  };
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyOld(text);
    }
  };
  for (const button of document.querySelectorAll(".copy")) {
    const table = button.previousElementSibling.querySelector("table");
    const said = button.textContent;
    button.hidden = false;
    button.setAttribute("aria-label", `${said}: ${table.caption.textContent}`);
    button.addEventListener("click", async () => {
      button.textContent = (await copy(write(table))) ? "Copied" : "The browser does not let a page copy";
      setTimeout(() => (button.textContent = said), 2000);
    });
  }

  // The line over time, of one package and count at a time.
  const block = byId("series-data");
  if (!block) return;
  const data = JSON.parse(block.textContent);
  const place = byId("chart"), readout = byId("readout"), pack = byId("package"), count = byId("count");
  const option = (select, text, value) => select.append(new Option(text, value));
  option(pack, "all packages", "");
  data.packages.forEach(([name], index) => option(pack, name, String(index)));
  const chosen = () => (pack.value === "" ? data.all : data.packages[Number(pack.value)][1]);
  const offer = () => {
    const before = count.value;
    count.replaceChildren();
    for (const name of Object.keys(chosen())) option(count, data.counts[name] ?? name, name);
    if (before in chosen()) count.value = before;
  };
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const marked = { gap: new Set(data.gap), partial: new Set(data.partial), open: new Set(data.open) };
  const notes = new Map(data.notes);
  const inWords = (number) => (number === null || number === undefined ? "not known: a gap in the logs" : number.toLocaleString("en"));
  const tell = (index) => {
    if (index === null || index === undefined) return;
    const marks = [marked.partial.has(index) && "logs are missing in part", marked.open.has(index) && "provisional", notes.get(index)].filter(Boolean);
    readout.textContent = `${data.labels[index]}: ${data.counts[count.value]} ${inWords(chosen()[count.value][index])}${marks.length ? ` (${marks.join("; ")})` : ""}`;
  };
  const shade = (plot, places, name) => {
    plot.ctx.fillStyle = color(name);
    for (const index of places) {
      const left = plot.valToPos(index - 0.5, "x", true), right = plot.valToPos(index + 0.5, "x", true);
      const from = Math.max(left, plot.bbox.left), to = Math.min(right, plot.bbox.left + plot.bbox.width);
      if (to > from) plot.ctx.fillRect(from, plot.bbox.top, to - from, plot.bbox.height);
    }
  };
  const mark = (plot) => {
    plot.ctx.save();
    plot.ctx.strokeStyle = color("--note");
    plot.ctx.setLineDash([4, 4]);
    for (const [index] of data.notes) {
      const x = plot.valToPos(index, "x", true);
      plot.ctx.beginPath();
      plot.ctx.moveTo(x, plot.bbox.top);
      plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
      plot.ctx.stroke();
    }
    plot.ctx.restore();
  };
  const indices = data.labels.map((_, index) => index);
  // Points where no line would be drawn: a bucket between two that nothing is known of.
  const alone = (self, which) => {
    const line = self.data[which];
    return indices.filter((index) => line[index] != null && line[index - 1] == null && line[index + 1] == null);
  };
  let plot = null;
  const width = () => Math.max(place.clientWidth, 200);
  const draw = () => {
    const look = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 } };
    plot?.destroy();
    plot = new uPlot(
      {
        width: width(),
        height: 240,
        padding: [8, 40, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: { x: { time: false }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.05 : 1] } },
        axes: [
          { ...look, incrs: [1, 2, 5, 7, 10, 14, 20, 30, 50, 100, 200, 500, 1000, 2000, 5000], space: 90, values: (_, at) => at.map((index) => data.labels[index] ?? "") },
          { ...look, size: 70, values: (_, at) => at.map((number) => (Number.isInteger(number) ? number.toLocaleString("en") : "")) },
        ],
        series: [{}, { stroke: color("--accent"), width: 1.5, points: { show: true, size: 5, fill: color("--accent"), filter: alone } }],
        hooks: {
          drawClear: [(self) => { shade(self, data.open, "--open"); shade(self, [...data.gap, ...data.partial], "--gap"); }],
          draw: [mark],
          setCursor: [(self) => tell(self.cursor.idx)],
        },
      },
      [indices, chosen()[count.value]],
      place,
    );
    place.setAttribute("aria-label", `${count.selectedOptions[0].text} of ${pack.selectedOptions[0].text} over time; arrow keys read the values`);
  };
  let at = -1;
  place.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    at = Math.min(Math.max((at < 0 ? indices.length : at) + step, 0), indices.length - 1);
    plot.setCursor({ left: plot.valToPos(at, "x"), top: 0 });
    tell(at);
  });
  offer();
  document.querySelector(".choice").hidden = false;
  place.replaceChildren();
  place.tabIndex = 0;
  place.setAttribute("role", "application");
  draw();
  pack.addEventListener("change", () => { offer(); draw(); });
  count.addEventListener("change", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => { if (plot && plot.width !== width()) plot.setSize({ width: width(), height: 240 }); }).observe(place);
  addEventListener("beforeprint", () => plot.setSize({ width: 660, height: 220 }));
  addEventListener("afterprint", () => plot.setSize({ width: width(), height: 240 }));
})();
