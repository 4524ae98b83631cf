// Arrays as heat maps: a table with its numbers where there is room, otherwise a canvas.

const NUMBERS_IN_A_LINE = 6;
const LINE_OF_A_VECTOR = 32;
const NO_MARKS = () => null;

/** How an array is cut into lines and cells on the screen. A long vector is wrapped like text. */
function gridOf(array, small) {
  const most = small ? 4 : NUMBERS_IN_A_LINE;
  const count = array.rows * array.columns;
  const vector = array.rows === 1 || array.columns === 1;
  if (!vector) {
    return {
      lines: array.rows,
      cells: array.columns,
      numbers: array.columns <= most,
      wrapped: false,
    };
  }
  const withNumbers = count <= most * 8;
  const cells = Math.min(count, withNumbers ? most : LINE_OF_A_VECTOR);
  return { lines: Math.ceil(count / cells), cells, numbers: withNumbers, wrapped: count > cells };
}

/**
 * A heat map that can be pointed at.
 *
 * `choose(index)` is called for a click or a key, `hover(index or null)` while the pointer is over
 * it. The result's `show(index, mark)` points at an element and marks others: `mark(row, column)`
 * gives "row-mark", "column-mark" or nothing.
 */
function matrix(
  array,
  { label, caption = null, largest = null, small = false, choose = null, hover = null },
) {
  const grid = gridOf(array, small);
  const scale = largest ?? largestIn(array);
  const count = array.rows * array.columns;
  if (count === 0) {
    return {
      root: html("p", { class: "quietly" }, `${label}: empty, shape ${formatShape(array.shape)}`),
      show() {},
    };
  }
  const asTable = grid.numbers && grid.lines <= 16;
  const body = (asTable ? tableBody : canvasBody)(array, grid, scale, small);
  const words = `${label}, shape ${formatShape(array.shape)}`;
  const frame = html(
    "div",
    {
      class: "frame",
      role: "group",
      tabindex: count > 1 && (choose || !small) ? 0 : null,
      "aria-label": choose && count > 1 ? `${words}. Arrow keys move to other elements` : words,
    },
    body.root,
  );
  const readout =
    choose && count > 1 ? html("p", { class: "readout", "aria-live": "polite" }) : null;
  const notes = [
    array.truncated && `first ${array.rows} × ${array.columns}`,
    grid.wrapped && `in lines of ${grid.cells}`,
  ].filter(Boolean);
  const root = html(
    "figure",
    { class: small ? "matrix small" : "matrix", "data-label": label },
    html(
      "figcaption",
      {},
      html("span", {}, caption ?? label),
      html("span", { class: "digits" }, [formatShape(array.shape), ...notes].join(" · ")),
    ),
    frame,
    readout,
  );
  let pointed = null;
  if (choose) listenTo(frame, body, array, () => pointed, choose, hover);
  return {
    root,
    show(index, mark = NO_MARKS) {
      pointed = index;
      const cell = index && cellOf(array.shape, index);
      body.show(cell, mark);
      if (readout && index) {
        readout.textContent = `${formatIndex(index)} = ${formatExactly(numberAt(array, index))}`;
      }
    },
  };
}

/** A small heat map with which nothing is done but looking. */
function shownSmall(array, label, largest = null) {
  const map = matrix(array, { label, small: true, largest });
  map.show(null);
  return map.root;
}

function listenTo(frame, body, array, pointed, choose, hover) {
  const under = (event) => {
    const cell = body.cellAt(event);
    return cell && indexOf(array.shape, cell.row, cell.column);
  };
  frame.addEventListener("pointermove", (event) => {
    const index = under(event);
    if (index && hover) hover(index);
  });
  frame.addEventListener("pointerleave", () => hover?.(null));
  frame.addEventListener("click", (event) => {
    const index = under(event);
    if (index) choose(index);
  });
  frame.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const step = steps[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = body.moved(cellOf(array.shape, pointed()), step);
    if (next) choose(indexOf(array.shape, next.row, next.column));
  });
}

/** Between cells on the screen and those of the matrix. */
function mapping(array, grid) {
  const count = array.rows * array.columns;
  return {
    cell(line, place) {
      const flat = line * grid.cells + place;
      if (line < 0 || place < 0 || place >= grid.cells || flat >= count) return null;
      return { row: Math.floor(flat / array.columns), column: flat % array.columns };
    },
    place({ row, column }) {
      const flat = row * array.columns + column;
      return [Math.floor(flat / grid.cells), flat % grid.cells];
    },
    moved(cell, [down, right]) {
      const [line, place] = this.place(cell);
      return this.cell(line + down, place + right);
    },
  };
}

function tableBody(array, grid, scale, small) {
  const map = mapping(array, grid);
  const cells = [];
  const table = html("table");
  for (let line = 0; line < grid.lines; line++) {
    const row = html("tr");
    for (let place = 0; place < grid.cells; place++) {
      const cell = map.cell(line, place);
      if (!cell) continue;
      const number = numberIn(array, cell.row, cell.column);
      const { fill, text } = colourOf(number, scale);
      const made = html("td", {}, formatNumber(number, small ? 3 : 4));
      made.style.background = fill;
      made.style.color = text;
      cells.push({ ...cell, made });
      row.append(made);
    }
    table.append(row);
  }
  return {
    root: table,
    moved: (cell, step) => map.moved(cell, step),
    cellAt: (event) => cells.find(({ made }) => made === event.target) ?? null,
    show(pointed, mark) {
      for (const { row, column, made } of cells) {
        const here = pointed && pointed.row === row && pointed.column === column;
        made.className = here ? "pointed" : (mark(row, column) ?? "");
      }
    },
  };
}

/** The size of a cell that makes good use of the panel. */
function cellSize(grid, small) {
  const room = small ? 150 : Math.max(220, byId("panel").clientWidth - 34);
  if (grid.numbers) return { wide: Math.floor(Math.min(64, room / grid.cells)), high: 19 };
  const least = small ? 3 : 6;
  const high = Math.max(least, Math.min((small ? 110 : 250) / grid.lines, small ? 18 : 28));
  const wide = Math.max(least, Math.min(room / grid.cells, 2.5 * high, small ? 18 : 44));
  return { wide: Math.floor(wide), high: Math.floor(Math.min(high, Math.max(least, 2.5 * wide))) };
}

function canvasBody(array, grid, scale, small) {
  const map = mapping(array, grid);
  const { wide, high } = cellSize(grid, small);
  const sharp = Math.min(2, devicePixelRatio || 1);
  const [width, height] = [grid.cells * wide, grid.lines * high];
  const canvas = html("canvas", { "aria-hidden": "true" });
  const ground = html("canvas"); // the cells without marks, drawn once
  for (const one of [canvas, ground]) {
    one.width = Math.min(16000, width * sharp);
    one.height = Math.min(16000, height * sharp);
    one.getContext("2d").scale(one.width / width, one.height / height);
  }
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  paintCells(ground.getContext("2d"), array, grid, scale, { wide, high });
  const context = canvas.getContext("2d");

  return {
    root: canvas,
    moved: (cell, step) => map.moved(cell, step),
    cellAt(event) {
      const { left, top } = canvas.getBoundingClientRect();
      return map.cell(
        Math.floor((event.clientY - top) / high),
        Math.floor((event.clientX - left) / wide),
      );
    },
    show(pointed, mark) {
      context.clearRect(0, 0, width, height);
      context.drawImage(ground, 0, 0, width, height);
      const marked = mark === NO_MARKS ? [] : markedCells(map, grid, mark);
      outline(context, marked, wide, high);
      if (!pointed) return;
      const [line, place] = map.place(pointed);
      outline(context, [{ line, place, how: "pointed" }], wide, high);
    },
  };
}

function paintCells(context, array, grid, scale, { wide, high }) {
  const gap = wide > 8 ? 1 : 0;
  numbersOf(array).forEach((number, flat) => {
    const x = (flat % grid.cells) * wide;
    const y = Math.floor(flat / grid.cells) * high;
    const { fill, text } = colourOf(number, scale);
    context.fillStyle = fill;
    context.fillRect(x, y, wide - gap, high - gap);
    if (!grid.numbers) return;
    context.fillStyle = text;
    context.font = VALUE_FONT;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText(formatNumber(number, 4), x + wide - 5, y + high / 2);
  });
}

function markedCells(map, grid, mark) {
  const marked = [];
  for (let line = 0; line < grid.lines; line++) {
    for (let place = 0; place < grid.cells; place++) {
      const cell = map.cell(line, place);
      const how = cell && mark(cell.row, cell.column);
      if (how) marked.push({ line, place, how });
    }
  }
  return marked;
}

/** Borders around the marked cells, only where the neighbour is not marked in the same way. */
function outline(context, marked, wide, high) {
  const colours = markColours();
  const keys = new Map(marked.map((one) => [`${one.line},${one.place}`, one.how]));
  for (const { line, place, how } of marked) {
    const [x, y] = [place * wide, line * high];
    context.fillStyle = colours[how];
    const thick = Math.min(2, wide / 3);
    const alone = (dy, dx) => keys.get(`${line + dy},${place + dx}`) !== how;
    if (alone(-1, 0)) context.fillRect(x, y, wide, thick);
    if (alone(1, 0)) context.fillRect(x, y + high - thick, wide, thick);
    if (alone(0, -1)) context.fillRect(x, y, thick, high);
    if (alone(0, 1)) context.fillRect(x + wide - thick, y, thick, high);
  }
}
