"""Three ways to walk back; one is right and quick.

Contributions are added, we saw. But a node can only pass on what it has received so far. When it
goes before everyone who used its result has sent something, the rest comes too late. The tape knows
a good order: whatever uses a result was recorded later, so go from the last node to the first.
"""

import nnscratch as ns
from nnscratch.autograd.tape import topological_order

visits = []  # the name of a tensor each time that it sends something on


def send(y, gradient):
    """What y sends to its inputs when it has received `gradient`: pairs (input, contribution)."""
    visits.append(names[y])
    node = y.node
    sent = node.op.gradients(node.wanted, gradient, y.data, node.arrays, node.params)
    return zip(node.inputs, sent, strict=True)


def depth_first(y, gradient):
    """Go down as soon as something has arrived, and visit each node once."""
    if y.node and names[y] not in visits:
        for tensor, contribution in send(y, gradient[y]):
            gradient[tensor] = gradient.get(tensor, 0.0) + contribution
            depth_first(tensor, gradient)


def along_every_path(y, gradient, arrived=1.0):
    """Go down with each contribution alone, as often as one arrives."""
    if y.node:
        for tensor, contribution in send(y, arrived):
            gradient[tensor] = gradient.get(tensor, 0.0) + contribution
            along_every_path(tensor, gradient, contribution)


def topological(y, gradient):
    """Go from the last node on the tape to the first."""
    made_by = {tensor.node: tensor for tensor in names}
    for node in reversed(topological_order([y])):
        for tensor, contribution in send(made_by[node], gradient[made_by[node]]):
            gradient[tensor] = gradient.get(tensor, 0.0) + contribution


walks = (depth_first, along_every_path, topological)

# 1. A number that is used by two others: b goes into c and into d.
a = ns.Tensor(2.0, requires_grad=True)
b = a * a
c = b * a
d = b + c
names = {a: "a", b: "b", c: "c", d: "d"}
page = ns.explain(d, "03_topological_order.html", title="Lesson 3: b is used twice")
print("b = a * a, c = b * a, d = b + c, with a = 2\n")
for walk in walks:
    visits.clear()
    gradient = {d: 1.0}
    walk(d, gradient)
    print(f"{walk.__name__:>17}: gradient of a {gradient[a]:3g}, visiting {', '.join(visits)}")
d.backward()
print(
    f"{'nnscratch':>17}: gradient of a {a.grad:3g}, and d = a² + a³ has the slope 2 a + 3 a² = 16"
)

# 2. Every path is right too. But in a chain of doublings each node doubles the number of paths.
print("\nVisits in a chain of doublings, b = a + a, c = b + b, ...\n")
print(f"{'nodes':>17}{'every path':>13}{'topological':>14}")
for nodes in (1, 2, 4, 8, 16):
    chain = [ns.Tensor(1.0, requires_grad=True)]
    for _ in range(nodes):
        chain.append(chain[-1] + chain[-1])
    names = dict.fromkeys(chain, "node")
    counts = []
    for walk in (along_every_path, topological):
        visits.clear()
        walk(chain[-1], {chain[-1]: 1.0})
        counts.append(len(visits))
    print(f"{nodes:17}{counts[0]:13,}{counts[1]:14}")
print(f"\nSee b wait for c: open {page.path} in a browser.")

# Exercise 1. How many visits does the walk along every path need in a chain of 30 doublings?
answer_1 = None

# Exercise 2. b = a * a, c = b + a, d = b * c, e = c * c, f = d + e: in which order may the walk
# visit the nodes f, e, d, c, b? Several are right. A string of five letters, such as "bcdef".
answer_2 = None
