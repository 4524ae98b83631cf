"""Why gradients are added: b = a + a, c = b + b.

Each Value of our engine knew what it was made from. nnscratch writes the same on a tape: one node
for each operation, with its inputs and its result. Walking the tape backwards gives the gradients.
A number that is used twice then receives two contributions: both must count.
"""

import nnscratch as ns
from nnscratch.autograd.tape import topological_order

# 1. The forward pass is recorded while it runs.
a = ns.Tensor(3.0, requires_grad=True)
b = a + a
c = b + b
names = {a: "a", b: "b", c: "c"}
print("The tape, forwards:")
for number, node in enumerate(topological_order([c]), start=1):
    inputs = " and ".join(names[tensor] for tensor in node.inputs)
    print(f"  node {number} is {node.op.name}: {inputs} make {node.outputs[0]:g}")


# 2. The walk of lesson 1, over nnscratch's tape.
def walk(result, assign=False):
    """The gradient of `result` with respect to everything that it was made from."""
    gradient = {result: 1.0}
    made_by = {tensor.node: tensor for tensor in names}
    for node in reversed(topological_order([result])):
        y = made_by[node]
        # The op knows its slopes: what y received becomes a contribution to each input.
        sent = node.op.gradients(node.wanted, gradient[y], y.data, node.arrays, node.params)
        for tensor, contribution in zip(node.inputs, sent, strict=True):
            if assign:
                gradient[tensor] = contribution
            else:
                gradient[tensor] = gradient.get(tensor, 0.0) + contribution
            total = gradient[tensor]
            print(
                f"  {names[y]} sends {contribution:g} to {names[tensor]}, which has {total:g} now"
            )
    return gradient


print("\nThe tape, backwards, where contributions are added:")
added = walk(c)
print("\nThe same, where each contribution replaces the one before:")
assigned = walk(c, assign=True)

# 3. Who is right? Turn a a little, and look what c does.
b_then = 3.001 + 3.001
c_then = b_then + b_then
page = ns.explain(c, "02_the_tape.html", title="Lesson 2: b = a + a, c = b + b")
c.backward()
print(f"\nadded {added[a]:g}, replaced {assigned[a]:g}, nnscratch {a.grad:g}:", end=" ")
print(f"when a grows by 0.001, c grows by {c_then - c.item():.3f}.")


# 4. Adding never stops: a second backward() adds to the first. So training must begin each step
#    with empty gradients. (In lesson 1 every step made new numbers, which had none yet.)
def train(empty):
    """Ten steps from w = 0 towards the lowest point of (w - 5)²."""
    w = ns.Tensor(0.0, requires_grad=True)
    path = []
    for _ in range(10):
        if empty:
            w.zero_grad()
        loss = (w - 5) ** 2
        loss.backward()
        w.data = w.data - 0.2 * w.grad.data
        path.append(w.item())
    return path


print("\nw on its way to 5, in ten steps")
for empty in (True, False):
    print(f"  {'emptied' if empty else 'not emptied':12}", *(f"{w:5.1f}" for w in train(empty)))
print(f"\nSee it step by step: open {page.path} in a browser.")

# Exercise 1. b = a * a, c = b * b + b, with a = 3: what is the gradient of c with respect to a?
# On paper, with what is sent and added; put the number in place of None.
answer_1 = None

# Exercise 2. def answer_2(contributions), which gets pairs such as [("a", 2.0), ("b", 1.0),
# ("a", 3.0)] and gives the gradient of each as a dictionary: here {"a": 5.0, "b": 1.0}.
answer_2 = None
