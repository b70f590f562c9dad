// What the page says, in English and Chinese.

const WORDS: Record<string, [string, string]> = {
  play: ["play", "演示"], formula: ["y =", "y ="], preset: ["Examples", "示例"], run: ["Training", "训练"],
  start: ["▶ Play", "▶ 开始"], pause: ["❚❚ Pause", "❚❚ 暂停"], resume: ["▶ Go on", "▶ 继续"],
  step: ["Step", "单步"], reset: ["Reset", "重置"], epoch: ["epoch", "轮次"], loss: ["loss", "损失"],
  parameters: ["parameters", "参数个数"], settings: ["Settings", "设置"], data: ["Data", "数据"],
  points: ["points", "样本数"], "data-points": ["points", "样本点"], slider: ["slider", "滑块"], input: ["input x", "输入 x"], second: ["second input", "第二输入"], undo: ["Undo", "撤销"], redo: ["Redo", "重做"], size: ["Large text", "大字"], "leave-lesson": ["Leave the lesson", "离开这节课"],
  "too-large": ["A file of more than 200 MB is not read here; surefit fit reads it.", "此处不读取超过 200 MB 的文件；surefit fit 可以。"],
  "no-text": ["This file holds no text. Drop a CSV file: a heading, then rows of numbers.", "该文件不是文本。请拖入 CSV 文件：一行标题，然后是数字行。"],
  "save-points": ["Save the points as CSV", "将样本点存为 CSV"], "not-copied": ["not allowed here", "此处不允许复制"], noise: ["noise", "噪声"], draw: ["Draw it", "手绘"], open: ["Open CSV", "打开 CSV"],
  network: ["Network", "网络"], deeper: ["+ layer", "+ 层"], shallower: ["− layer", "− 层"],
  activation: ["activation", "激活函数"], method: ["Method", "方法"], solver: ["method", "方法"],
  lr: ["learning rate", "学习率"], batch: ["batch size", "批大小"], epochs: ["epochs", "轮数"], seed: ["seed", "随机种子"],
  "see-fit": ["The function and the fit", "函数与拟合"], "see-network": ["The network", "网络"],
  "see-loss": ["Loss, log scale", "损失（对数刻度）"], positive: ["positive", "正"], negative: ["negative", "负"],
  pin: ["Keep to compare", "保留以比较"], unpin: ["Forget them", "全部清除"], snapshots: ["Kept runs", "保留的结果"],
  forget: ["forget", "清除"], speed: ["speed", "速度"], full: ["full", "全速"], "per-second": ["epochs a second", "轮/秒"],
  design: ["placed", "取点方式"], init: ["initial weights", "初始权重"], bias: ["bias", "偏置"], surface: ["3-D", "三维"],
  race: ["Race two settings", "两种设置赛跑"], "race-end": ["End the race", "结束赛跑"], setting: ["setting", "设置"],
  "see-histograms": ["Weights and gradients, layer by layer", "各层的权重与梯度"], weights: ["weights", "权重"], gradients: ["gradients", "梯度"],
  "by-epochs": ["by epochs", "按轮次"], "by-seconds": ["by seconds", "按秒"], report: ["Report", "报告"], model: ["Model file", "模型文件"], "copy-c": ["Copy as C", "复制为 C"], "copy-link": ["Copy the link", "复制链接"],
  witness: ["largest error seen", "所见的最大误差"], dead: ["dead", "失活"], saturated: ["saturated", "饱和"], layer: ["layer", "层"],
  unit: ["unit", "单元"], adds: ["what it adds to the fit (dashed: not to scale)", "它对拟合的贡献（虚线：另有刻度）"], shape: ["its output, in its own scale", "它的输出（自身刻度）"],
  hint: ["Point at a unit, or choose one with the arrow keys, to see what it does.", "把指针移到单元上，或用方向键选择，查看它的作用。"],
  "no-units": ["This network has no plain layers to look into.", "这个网络没有可查看的普通层。"], closer: ["is closer by a factor of", "更接近，倍数为"],
  "duel-solver": ["Adam or varpro", "Adam 对 varpro"], "duel-kink": ["relu or tanh", "relu 对 tanh"], "duel-bias": ["with or without bias", "有无偏置"],
  severe: ["error", "错误"], warning: ["warning", "警告"], note: ["note", "提示"], error: ["error", "误差"],
  static: ["This page trains in your browser. surefit itself is faster, proves its errors, and exports networks.", "本页在浏览器中训练。surefit 本身更快，能证明误差并导出网络。"], home: ["Take it home", "带走结果"],
  prove: ["Prove the error", "证明误差"], "copy-python": ["Copy as Python", "复制为 Python"],
  "copy-command": ["Copy as command", "复制为命令"], copied: ["copied", "已复制"],
  lessons: ["Eight lessons", "八节小课"], drawing: ["Draw a curve with the mouse or a finger, from left to right.", "用鼠标或手指从左到右画一条曲线。"],
  target: ["target", "目标"], fit: ["fit", "拟合"], kept: ["kept run", "保留的"], residual: ["fit − target", "拟合 − 目标"],
  "layer-n": ["layer", "第"], from: ["from", "从"], to: ["to", "到"], train: ["train", "训练"],
  validation: ["validation", "验证"], column: ["column", "列"], values: ["values y", "取值 y"], none: ["none", "无"],
  ready: ["Press Play and watch the network learn.", "按“开始”，观看网络学习。"],
  learning: ["Learning…", "正在学习…"], paused: ["Paused.", "已暂停。"],
  solving: ["Solving…", "正在求解…"], proving: ["Proving…", "正在证明…"],
  gone: ["The server has gone; start surefit play again.", "服务器已停止；请重新运行 surefit play。"],
  stopped: ["Stopped.", "已停止。"], dark: ["Dark", "深色"], light: ["Light", "浅色"], rows: ["rows read", "行已读入"],
  formulaAgain: ["Back to the formula", "回到公式"], try: ["Try it", "试一试"], answer: ["Answer", "答案"],
  few: ["Draw a longer curve.", "请画一条更长的曲线。"], units: ["units", "个单元"],
  fewer: ["fewer units", "减少单元"], more: ["more units", "增加单元"], chosen: ["the method chooses", "由方法选择"],
  wide: ["only tables with at least two columns of numbers can be drawn", "表格至少要有两列数字"],
};

export type Lang = "en" | "zh";

/** What this browser remembers; nothing where it may not. */
export function memory(key: string, value?: string): string | null {
  try {
    if (value !== undefined) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch { return null; }
}

export let lang: Lang = (memory("lang") as Lang) || (navigator.language.startsWith("zh") ? "zh" : "en");
if (lang !== "zh") lang = "en";

export const say = (code: string): string => WORDS[code]?.[lang === "zh" ? 1 : 0] ?? code;
export const either = (pair: [string, string]): string => pair[lang === "zh" ? 1 : 0];

export function speak(next: Lang): void {
  lang = next;
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
  for (const e of document.querySelectorAll<HTMLElement>("[data-say]")) e.textContent = say(e.dataset.say!);
  for (const id of ["points", "noise"]) document.getElementById(`${id}-slider`)!.ariaLabel = say(id);
  for (const e of document.querySelectorAll<HTMLElement>("[data-say-label]")) e.ariaLabel = say(e.dataset.sayLabel!);
}

/** How many rows of a file are used. */
export function many(file: string, rows: number, total: number): string {
  if (lang === "zh") return total > rows ? `${file}：均匀取 ${total} 行中的 ${rows} 行` : `${file}：${rows} 行`;
  return total > rows ? `${file}: ${rows} of ${total} rows, evenly chosen` : `${file}: ${rows} rows`;
}

/** What was found, in one sentence. */
export function result(max: string, seconds: string, measured: boolean, at: string): string {
  if (lang === "zh")
    return measured ? `完成：测得的最大误差为 ${max}（${at}），用时 ${seconds} 秒。` : `完成：在下方卡片所说的行上最大误差为 ${max}，用时 ${seconds} 秒。`;
  return measured ? `Done: the largest error measured is ${max}, at ${at}; ${seconds} s.` : `Done: the largest error is ${max} at the rows that the card below names; ${seconds} s.`;
}

/** Of a race: both largest errors, and which network is closer. */
export function raced(a: string, b: string, better: string, factor: string): string {
  if (lang === "zh") return `最大误差：A ${a}，B ${b}。${better} 更接近，误差约为对方的 1/${factor}。`;
  return `Largest errors: A ${a}, B ${b}. ${better} is closer, by a factor of ${factor}.`;
}

export function tied(a: string, b: string): string {
  return lang === "zh" ? `最大误差：A ${a}，B ${b}。不分高下。` : `Largest errors: A ${a}, B ${b}. A draw.`;
}

export function proof(lower: string, upper: string | null): string {
  if (lang === "zh") return upper ? `已证明：定义域内每一点的误差都不超过 ${upper}，且某一点的误差至少为 ${lower}。` : "在限定时间内没有得到上界。";
  return upper ? `Proved: the error is at most ${upper} at every point of the domain, and at least ${lower} at one.` : "No upper bound was found in the time that a proof has here.";
}
