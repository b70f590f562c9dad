// Eight lessons: a question, a thing to try, and an answer that appears after trying.

import type { Lane, Settings } from "./state";

type Both = [string, string];
export interface Lesson { name: Both; question: Both; task: Both; answer: Both; data: Partial<Settings>; train: Partial<Lane> & { activation: string }; rival?: Partial<Lane> & { activation?: string } }

export const LESSONS: Lesson[] = [
  {
    name: ["One ReLU", "一个 ReLU"],
    question: ["What can a network with a single ReLU unit draw?", "只有一个 ReLU 单元的网络能画出什么？"],
    task: ["Press Play. Then give it a second unit and play again.", "按“开始”。然后增加一个单元，再试一次。"],
    answer: ["Two straight pieces that meet at one kink, the tick on the axis. Each unit more adds one kink more: |x| needs two pieces, and this target wants many.", "两段直线，在一个折点相接（横轴上的短线）。每增加一个单元就多一个折点：|x| 只要两段，而这个目标需要很多段。"],
    data: { formula: "sin(x)", domain: { x: [-3, 3] }, points: 200, noise: 0 },
    train: { hidden: [1], activation: "relu", method: "adam", lr: 0.02, epochs: 600 },
  },
  {
    name: ["Hinges", "折线逼近"],
    question: ["How well can straight pieces follow a curve?", "直线段能多好地跟随一条曲线？"],
    task: ["Play with 8 units, keep the run to compare, then take 32 units.", "先用 8 个单元训练，保留以比较，再用 32 个单元。"],
    answer: ["With n kinks placed well the error falls like 1/n²: four times the units can make it sixteen times smaller. Training rarely places them that well; look where the ticks gather.", "若 n 个折点位置恰当，误差按 1/n² 下降：单元增至四倍，误差可小到十六分之一。训练很少能放得这么好，请看短线聚集在哪里。"],
    data: { formula: "-2/(2 + sin(x))", domain: { x: [-3, 3] }, points: 300, noise: 0 },
    train: { hidden: [8], activation: "relu", method: "adam", lr: 0.02, epochs: 1000 },
  },
  {
    name: ["No bias", "没有偏置"],
    question: ["What can a network draw whose units have no bias?", "单元没有偏置的网络能画出什么？"],
    task: ["Press Play: A has no bias, B has. Look where A bends. Then shift the domain of x to 0 … 6.", "按“开始”：A 没有偏置，B 有。看 A 在哪里弯折。再把 x 的范围改为 0 … 6。"],
    answer: ["Without bias every ReLU bends at the same place, the centre of the domain, whatever the number of units: two straight pieces from there. The bias is what moves the kinks apart.", "没有偏置时，无论多少单元，每个 ReLU 都在同一处弯折，即定义域的中心：从那里出发只有两段直线。正是偏置把折点分开。"],
    data: { formula: "cos(x)", domain: { x: [-3, 3] }, points: 200, noise: 0 },
    train: { hidden: [16], activation: "relu", bias: false, method: "adam", lr: 0.02, epochs: 600 },
    rival: { bias: true },
  },
  {
    name: ["Width or depth", "宽度与深度"],
    question: ["Are 48 units better in one layer or in three?", "48 个单元放在一层好，还是三层好？"],
    task: ["Play with one layer of 48 and keep the run. Then make it 16, 16, 16.", "先用一层 48 个单元训练并保留。再改成 16、16、16。"],
    answer: ["Three layers have four times the parameters for the same number of units, and can fold the axis upon itself. Compare the two loss curves: which wins depends on the learning rate too.", "单元数相同时，三层的参数约为四倍，并且能把坐标轴折叠起来。比较两条损失曲线：谁更好也取决于学习率。"],
    data: { formula: "sin(x^2)", domain: { x: [0, 4] }, points: 300, noise: 0 },
    train: { hidden: [48], activation: "tanh", method: "adam", lr: 0.01, epochs: 1500 },
  },
  {
    name: ["Too fast", "步子太大"],
    question: ["What does a learning rate that is too high look like?", "学习率过高是什么样子？"],
    task: ["Play, keep the run, then lower the learning rate to 0.01.", "训练并保留，再把学习率降到 0.01。"],
    answer: ["The loss jumps up and down instead of falling: each step overshoots the valley. With 0.01 the same network learns calmly.", "损失忽上忽下而不下降：每一步都越过了谷底。学习率为 0.01 时，同一个网络平稳地学习。"],
    data: { formula: "sin(2*x)", domain: { x: [-3, 3] }, points: 200, noise: 0 },
    train: { hidden: [16, 16], activation: "tanh", method: "adam", lr: 0.5, epochs: 400 },
  },
  {
    name: ["The deep one that fails", "失败的深网络"],
    question: ["Why does a deep sigmoid network learn nothing at first?", "为什么很深的 sigmoid 网络起初什么也学不会？"],
    task: ["Play. Then change the activation to tanh, or take layers away.", "训练。然后把激活函数换成 tanh，或减少层数。"],
    answer: ["A sigmoid is never steeper than 1/4, so over six layers the gradient of the first weights shrinks below 1/4000. The fit stays a flat line until it escapes, if it does.", "sigmoid 的斜率从不超过 1/4，经过六层，最前面权重的梯度缩小到不足 1/4000。拟合会一直是一条平线，直到它逃出来，如果能的话。"],
    data: { formula: "sin(2*x)", domain: { x: [-3, 3] }, points: 200, noise: 0 },
    train: { hidden: [12, 12, 12, 12, 12, 12], activation: "sigmoid", method: "sgd", lr: 0.1, epochs: 600 },
  },
  {
    name: ["Learning the noise", "学到了噪声"],
    question: ["When does a better fit of the data become a worse fit of the function?", "什么时候更贴合数据反而更偏离函数？"],
    task: ["Play and compare training and validation loss. Then use 300 points.", "训练并比较训练损失与验证损失。再把样本数改为 300。"],
    answer: ["With 20 noisy points and a thousand weights the network passes through the noise: the training loss falls on while the validation loss rises. surefit gives back the weights of the best epoch. More data helps most.", "20 个带噪声的点配上一千个权重，网络会穿过噪声：训练损失继续下降，验证损失却上升。surefit 会交回最好一轮的权重。更多数据最有效。"],
    data: { formula: "sin(x)", domain: { x: [-3, 3] }, points: 20, noise: 0.3 },
    train: { hidden: [32, 32], activation: "tanh", method: "adam", lr: 0.02, epochs: 1500 },
  },
  {
    name: ["Descent or solving", "下降还是求解"],
    question: ["How much is lost by only going downhill?", "只靠梯度下降会损失多少？"],
    task: ["Press Play: A goes downhill with Adam, B is varpro, both from one start.", "按“开始”：A 用 Adam 下降，B 用 varpro，同一起点。"],
    answer: ["For weights of the output layer the best values are one least-squares solve. varpro does that at each step and searches only the rest: often thousands of times closer, in less time.", "输出层权重的最优值只需一次最小二乘求解。varpro 每一步都这样做，只搜索其余的权重：误差往往小到千分之一以下，而且更快。"],
    data: { formula: "-2/(2 + sin(x))", domain: { x: [-3, 3] }, points: 300, noise: 0 },
    train: { hidden: [24], activation: "tanh", method: "adam", lr: 0.01, epochs: 1000 },
    rival: { method: "varpro" },
  },
];

export const PRESETS: [string, Record<string, [number, number]>][] = [
  ["-2/(2 + sin(x))", { x: [-3, 3] }], ["sin(x)", { x: [-3, 3] }], ["sin(15*x)", { x: [-3, 3] }], ["cos(pi*x/6)", { x: [-3, 3] }],
  ["abs(x)", { x: [-2, 2] }], ["sin(1/x)", { x: [0.1, 1] }], ["x*exp(-x^2)", { x: [-3, 3] }], ["1/(1 + 25*x^2)", { x: [-1, 1] }],
  ["sin(x1) - cos(x2)", { x1: [-5, 5], x2: [-5, 5] }], ["x1*x2", { x1: [-1, 1], x2: [-1, 1] }],
  ["exp(-x1^2 - x2^2)", { x1: [-2, 2], x2: [-2, 2] }], ["sin(3*x1)*sin(3*x2)", { x1: [-2, 2], x2: [-2, 2] }],
];
