// The socket to the server. While it is busy with one choice, later ones wait and are joined.

let socket = null;
let asked = false;
let waiting = null;

/** Connect; `listeners` have a function for each kind of message, and `ended`. */
export function connect(listeners) {
  socket = new WebSocket(new URL("socket", location.href.replace(/^http/, "ws")));
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.kind === "start" || message.kind === "error") {
      asked = false;
      if (waiting) choose({});
    }
    listeners[message.kind](message);
  });
  socket.addEventListener("close", () => listeners.ended());
}

export function ask(order, more = {}) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ do: order, ...more }));
}

/** Whether the server has answered every choice. */
export function isSettled() {
  return !asked;
}

/** Ask for other choices, by name. */
export function choose(changes) {
  waiting = { ...waiting, ...changes };
  if (asked) return;
  asked = true;
  ask("choose", { changes: waiting });
  waiting = null;
}
