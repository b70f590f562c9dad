// The pictures of the page inside a notebook: a widget (anywidget) whose model holds a scene and the latest picture.

import * as nets from "./network";
import * as plots from "./plots";

const LIGHT = { ink: "#1c2230", soft: "#5b6475", line: "#dfe3ea", grid: "#e9ecf1", blue: "#1f5fa8", orange: "#d2600f", data: "#7d8696", red: "#b3261e", ghost: "#8456b8", kept: "#2c8a5b", zero: "#f4f4f4", card: "#ffffff" };

interface Model { get(name: string): any; on(event: string, heard: () => void): void; off?(event: string, heard: () => void): void }

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  Object.assign(plots.palette, LIGHT);
  const canvases = ["fit", "network", "losses"].map((name, i) => {
    const canvas = document.createElement("canvas");
    Object.assign(canvas.style, { width: i ? "49%" : "100%", height: i ? "230px" : "340px", display: "none", background: "#ffffff" });
    canvas.role = "img";
    canvas.ariaLabel = name;
    return canvas;
  });
  const words = document.createElement("p");
  el.replaceChildren(...canvases, words);
  const draw = () => {
    const news = model.get("picture"), scene: plots.Scene = model.get("scene");
    if (!news.losses) return;
    const [fit, network, losses] = canvases, layers: nets.Layer[] = news.layers, rows: plots.Loss[] = news.losses;
    [scene.axes.length > 0, layers.length > 0, rows.length > 0].forEach((any, i) => (canvases[i].style.display = any ? "inline-block" : "none"));
    if (scene.axes.length === 2) plots.maps(fit, scene, [news.fit], null);
    else if (scene.axes.length === 1) plots.line(fit, scene, [{ values: news.fit, colour: "orange" }], [[news.kinks, "blue"]], [], null);
    if (layers.length) nets.network(network, [layers[0].n_in, ...layers.map((l) => l.n_out)], layers, news.units, scene.names, scene.output, scene.names.length, null);
    plots.losses(losses, [{ rows, colour: "orange", name: "train", held: "blue" }], false);
    words.textContent = news.words;
  };
  model.on("change:picture", draw);
  requestAnimationFrame(draw);
  return () => model.off?.("change:picture", draw);
}

export default { render };
