// What to try next, and the choices that set it up.

const PLAIN = {
  dataset: "circle",
  noise: 0.05,
  training_points: 150,
  features: ["x1", "x2"],
  layers: [4, 3],
  activation: "tanh",
  optimizer: "adam",
  learning_rate: 0.03,
  batch_size: 16,
  initializer: "glorot_uniform",
  regularizer: "none",
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
    text: "few points, much noise and a large network. The loss falls, the held-out loss rises: it learns the noise by heart.",
    changes: { ...PLAIN, dataset: "moons", noise: 0.4, training_points: 50, layers: [12, 12, 12] },
  },
  {
    text: "the same with a penalty on large weights. The boundary stays plain, and the held-out loss low.",
    changes: { ...PLAIN, dataset: "moons", noise: 0.4, training_points: 50, layers: [12, 12, 12], regularizer: "l2", penalty: 0.01 },
  },
  {
    text: "no hidden layer, but inputs that suit the data: for the circle, a line in the plane of the squares is enough.",
    changes: { ...PLAIN, layers: [], features: ["x1*x1", "x2*x2"], learning_rate: 0.3 },
  },
  {
    text: "an L1 penalty and all inputs. The weights of those that are of no use go to 0: on xor only x₁x₂ is left.",
    changes: { ...PLAIN, dataset: "xor", layers: [], features: ["x1", "x2", "x1*x1", "x2*x2", "x1*x2", "sin(pi*x1)", "sin(pi*x2)"], regularizer: "l1", penalty: 0.03 },
  },
  {
    text: "values instead of classes: the network fits a hill and a hollow.",
    changes: { ...PLAIN, dataset: "hills", layers: [8, 8] },
  },
  {
    text: "six linear layers at a learning rate of 10. After a few steps the loss is no longer a number.",
    changes: { ...PLAIN, activation: "linear", layers: [12, 12, 12, 12, 12, 12], optimizer: "sgd", learning_rate: 10 },
  },
];
