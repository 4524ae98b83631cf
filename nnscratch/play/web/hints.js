// What to try next, and the choices that set it up.

const PLAIN = {
  dataset: "circle",
  noise: 0.05,
  layers: [4, 3],
  activation: "tanh",
  optimizer: "adam",
  learning_rate: 0.03,
  batch_size: 16,
  initializer: "glorot_uniform",
};

export const HINTS = [
  {
    text: "the spiral. Does the loss stand still? Give it more units with +, until the arms come apart.",
    changes: { ...PLAIN, dataset: "spiral", noise: 0 },
  },
  {
    text: "a learning rate of 10, then 0.001, then 0.3. The first leaps over every valley, the second crawls.",
    changes: { ...PLAIN, optimizer: "sgd", learning_rate: 10 },
  },
  {
    text: "weights of zero. All units of a layer get the same gradients, so they stay the same forever.",
    changes: { ...PLAIN, initializer: "zeros", activation: "sigmoid", learning_rate: 0.1 },
  },
  {
    text: "linear units. However many layers there are, the boundary stays a straight line.",
    changes: { ...PLAIN, activation: "linear", layers: [6, 6, 6] },
  },
  {
    text: "six layers of sigmoid, and look at the gradients: towards the inputs they vanish.",
    changes: { ...PLAIN, activation: "sigmoid", layers: [6, 6, 6, 6, 6, 6], optimizer: "sgd", learning_rate: 0.1 },
    gradients: true,
  },
  {
    text: "much noise and a large network. The loss falls, the held-out loss rises: it learns the noise by heart.",
    changes: { ...PLAIN, dataset: "moons", noise: 0.4, layers: [12, 12, 12] },
  },
  {
    text: "six linear layers at a learning rate of 10. After a few steps the loss is no longer a number.",
    changes: { ...PLAIN, activation: "linear", layers: [12, 12, 12, 12, 12, 12], optimizer: "sgd", learning_rate: 10 },
  },
];
