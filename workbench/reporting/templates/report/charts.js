/* Unpacks plotly's script from this page and draws the charts in the page's colours, on screen and on paper. */
(() => {
  "use strict";
  const nonce = document.currentScript.nonce;
  const charts = [...document.querySelectorAll("figure.chart")];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)");
  const HUES = ["blue", "orange", "green", "purple", "yellow", "sky", "grey"];
  const PAPER_WIDTH = 660; // CSS pixels inside the margins of A4

  async function unpack() {
    const packed = document.getElementById("plotly");
    const bytes = Uint8Array.from(atob(packed.textContent), (char) => char.charCodeAt(0));
    packed.remove();
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.nonce = nonce;
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  /* A colour of the style sheet as rgb(), in the given scheme. */
  function resolve(name, scheme) {
    const probe = document.createElement("i");
    probe.style.cssText = `color-scheme:${scheme};color:var(--wb-${name})`;
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  }

  const hex = (rgb) => "#" + rgb.match(/\d+/g).slice(0, 3).map((n) => Number(n).toString(16).padStart(2, "0")).join("");

  /* Charts are made in the light colours; in the dark each of them has a partner. */
  function recolour(value, partners) {
    if (typeof value === "string") return partners.get(value.toLowerCase()) ?? value;
    if (Array.isArray(value)) return value.map((item) => recolour(item, partners));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, recolour(item, partners)]));
    return value;
  }

  function palette(scheme) {
    const colour = Object.fromEntries(["ink", "muted", "line", "card"].map((name) => [name, resolve(name, scheme)]));
    const partners = new Map(HUES.map((hue) => [hex(resolve(hue, "light")), hex(resolve(hue, scheme))]));
    return { ...colour, partners };
  }

  function dress(figure, colours, width) {
    const clear = "rgba(0,0,0,0)";
    const data = recolour(figure.data, colours.partners);
    const layout = recolour(figure.layout, colours.partners);
    const font = getComputedStyle(document.body).fontFamily;
    Object.assign(layout, { paper_bgcolor: clear, plot_bgcolor: clear, autosize: !width });
    layout.font = { ...layout.font, family: font, color: colours.ink };
    layout.hoverlabel = { ...layout.hoverlabel, bgcolor: colours.card, bordercolor: colours.line, font: { color: colours.ink } };
    const axes = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis\d+$/.test(key))]);
    for (const axis of axes)
      layout[axis] = { automargin: true, ...layout[axis], gridcolor: colours.line, linecolor: colours.line, zerolinecolor: colours.line };
    layout.modebar = { ...layout.modebar, bgcolor: clear, color: colours.muted, activecolor: colours.ink };
    if (width) layout.width = width;
    if (touch.matches) layout.dragmode = false; // a finger on a chart scrolls the page
    return [data, layout];
  }

  const config = {
    responsive: true,
    displaylogo: false,
    displayModeBar: touch.matches ? false : "hover",
    plotlyServerURL: "",
    modeBarButtonsToRemove: ["sendChartToCloud", "lasso2d", "select2d", "autoScale2d"],
  };

  function draw(chart, colours, width) {
    try {
      chart.figure ??= JSON.parse(chart.querySelector("script").textContent);
      chart.canvas ??= chart.appendChild(document.createElement("div"));
      Plotly.react(chart.canvas, ...dress(chart.figure, colours, width), config);
    } catch (error) {
      chart.textContent = "This chart could not be drawn; every number is in figures.json.";
      console.error(error);
    }
  }

  const scheme = () => (dark.matches ? "dark" : "light");
  const drawAll = (colours, width) => charts.forEach((chart) => draw(chart, colours, width));
  const pause = () => new Promise((resume) => setTimeout(resume));

  async function start() {
    try {
      await unpack();
      if (!window.Plotly) throw new Error("the script did not run");
    } catch (error) {
      document.getElementById("no-charts").hidden = false;
      console.error(error);
      return;
    }
    const colours = palette(scheme());
    for (const chart of charts) {
      draw(chart, colours);
      await pause(); // the page stays usable while many are drawn
    }
    dark.addEventListener("change", () => drawAll(palette(scheme())));
    addEventListener("beforeprint", () => drawAll(palette("light"), PAPER_WIDTH));
    addEventListener("afterprint", () => drawAll(palette(scheme())));
  }

  start();
})();
