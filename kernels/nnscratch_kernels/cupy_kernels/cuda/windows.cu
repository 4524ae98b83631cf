// Windows that slide over images: im2col and its adjoint, and pooling with its gradients.
//
// Images are C-contiguous, of shape (batch, height, width, channels). What a kernel writes consists
// of places, each an (image, row, column), with some elements each. A thread keeps its element and
// strides over places, so that it divides once and then only adds and carries.

// A window on one axis: the numbers of `nnscratch_kernels.windows.Axis`.
struct Axis {
    int length, size, stride, dilation, positions, before, after;

    // Where the window begins at a position; in the padding if it is negative.
    __device__ __forceinline__ int start(int position) const { return position * stride - before; }

    __device__ __forceinline__ bool has(int place) const { return place >= 0 && place < length; }

    // How many of its taps, standing side by side, see the image at a position.
    __device__ __forceinline__ int seen(int position) const {
        return min(start(position) + size, length) - max(start(position), 0);
    }
};

// What a kernel is told: WINDOWS of sliding.py.
struct Windows {
    long long images;
    int channels;
    Axis down, across;

    __device__ __forceinline__ long long pixel(long long image, int row, int column) const {
        return ((image * down.length + row) * across.length + column) * channels;
    }
};

// Where a thread is among places of so many rows and columns, with so many elements each. The grid
// has at least as many threads as a place has elements; those beyond whole places have no work.
struct Walk {
    long long image, index;  // index: of the element in the result
    int row, column, element;

    __device__ __forceinline__ Walk(int elements, int rows, int columns)
        : rows(rows), columns(columns) {
        const long long lane = first_element() / elements, lanes = element_step() / elements;
        index = first_element();
        element = (int)(index % elements);
        column = (int)(lane % columns);
        row = (int)(lane / columns % rows);
        image = lane < lanes ? lane / columns / rows : 1LL << 62;
        index_step = lanes * elements;
        column_step = (int)(lanes % columns);
        row_step = (int)(lanes / columns % rows);
        image_step = lanes / columns / rows;
    }

    __device__ __forceinline__ void step() {
        const bool next_row = column >= columns - column_step;
        column += column_step - (next_row ? columns : 0);
        const int down = row_step + next_row;
        const bool next_image = row >= rows - down;
        row += down - (next_image ? rows : 0);
        image += image_step + next_image;
        index += index_step;
    }

   private:
    long long image_step, index_step;
    int rows, columns, row_step, column_step;
};

extern "C" __global__ void im2col(
    Windows windows, const real* __restrict__ x, real* __restrict__ columns) {
    const Axis down = windows.down, across = windows.across;
    const int channels = windows.channels;
    Walk at(down.size * across.size * channels, down.positions, across.positions);
    const int tap = at.element / channels, channel = at.element % channels;
    const int below = tap / across.size * down.dilation;
    const int beside = tap % across.size * across.dilation;
    for (; at.image < windows.images; at.step()) {
        const int row = down.start(at.row) + below, column = across.start(at.column) + beside;
        const bool inside = down.has(row) && across.has(column);
        columns[at.index] = inside ? x[windows.pixel(at.image, row, column) + channel] : real(0);
    }
}

// The positions of a window from which a place is seen: from `position` in steps down to `least`,
// while the tap that sees it goes up from `tap`.
struct Seeing {
    int position, tap;

    __device__ __forceinline__ Seeing(const Axis& axis, int place) {
        int common = axis.stride, other = axis.dilation;
        while (other) {  // Euclid
            const int rest = common % other;
            common = other;
            other = rest;
        }
        position_step = axis.dilation / common;
        tap_step = axis.stride / common;
        const int offset = place + axis.before, reach = (axis.size - 1) * axis.dilation;
        least = offset > reach ? (offset - reach + axis.stride - 1) / axis.stride : 0;
        position = min(offset / axis.stride, axis.positions - 1);
        while (position >= least && (offset - position * axis.stride) % axis.dilation) --position;
        tap = (offset - position * axis.stride) / axis.dilation;
    }

    __device__ __forceinline__ bool more() const { return position >= least; }

    __device__ __forceinline__ void step() {
        position -= position_step;
        tap += tap_step;
    }

   private:
    int least, position_step, tap_step;
};

// Every element of an image adds up a term for each window that sees it, in the order of the taps:
// term(number of the window, where it is seen from above, and from beside, channel).
template <typename Term>
__device__ __forceinline__ void gather(
    const Windows& windows, real* __restrict__ images, Term term) {
    const Axis down = windows.down, across = windows.across;
    Walk at(windows.channels, down.length, across.length);
    for (; at.image < windows.images; at.step()) {
        real total = 0;
        const Seeing leftmost(across, at.column);
        for (Seeing above(down, at.row); above.more(); above.step()) {
            const long long row = (at.image * down.positions + above.position) * across.positions;
            for (Seeing beside = leftmost; beside.more(); beside.step())
                total += term(row + beside.position, above, beside, at.element);
        }
        images[at.index] = total;
    }
}

extern "C" __global__ void col2im(
    Windows windows, const real* __restrict__ columns, real* __restrict__ images) {
    const int width = windows.across.size, taps = windows.down.size * width;
    gather(windows, images,
           [=](long long window, const Seeing& above, const Seeing& beside, int channel) {
               const long long tap = window * taps + above.tap * width + beside.tap;
               return columns[tap * windows.channels + channel];
           });
}

// The largest element of each window and its tap: of equal ones the first, of NaNs the last. SIZE
// is the side of a square window, so that all of its loads are under way at once; or 0 for any.
template <int SIZE, typename Write>
__device__ __forceinline__ void find_largest(
    const Windows& windows, const real* __restrict__ x, Write write) {
    const Axis down = windows.down, across = windows.across;
    const int height = SIZE ? SIZE : down.size, width = SIZE ? SIZE : across.size;
    Walk at(windows.channels, down.positions, across.positions);
    for (; at.image < windows.images; at.step()) {
        const int top = down.start(at.row), left = across.start(at.column);
        const int first_row = max(top, 0), first_column = max(left, 0);
        int largest_tap = (first_row - top) * width + first_column - left;
        real largest = x[windows.pixel(at.image, first_row, first_column) + at.element];
#pragma unroll
        for (int p = 0; p < height; ++p) {
#pragma unroll
            for (int q = 0; q < width; ++q) {
                if (!down.has(top + p) || !across.has(left + q)) continue;
                const real value = x[windows.pixel(at.image, top + p, left + q) + at.element];
                if (value > largest || value != value) {
                    largest = value;
                    largest_tap = p * width + q;
                }
            }
        }
        write(at.index, largest, largest_tap);
    }
}

template <typename Write>
__device__ __forceinline__ void find_largest_of_any(
    const Windows& windows, const real* __restrict__ x, Write write) {
    const int height = windows.down.size, width = windows.across.size;
    if (height == 2 && width == 2)
        find_largest<2>(windows, x, write);
    else if (height == 3 && width == 3)
        find_largest<3>(windows, x, write);
    else
        find_largest<0>(windows, x, write);
}

extern "C" __global__ void max_pool2d(
    Windows windows, const real* __restrict__ x, real* __restrict__ y) {
    find_largest_of_any(windows, x, [=](long long index, real value, int) { y[index] = value; });
}

extern "C" __global__ void max_pool2d_taps(
    Windows windows, const real* __restrict__ x, unsigned short* __restrict__ taps) {
    find_largest_of_any(windows, x, [=](long long index, real, int tap) {
        taps[index] = (unsigned short)tap;
    });
}

extern "C" __global__ void max_pool2d_gradient(
    Windows windows, const real* __restrict__ g, const unsigned short* __restrict__ taps,
    real* __restrict__ images) {
    gather(windows, images,
           [=](long long window, const Seeing& above, const Seeing& beside, int channel) {
               const long long index = window * windows.channels + channel;
               const real value = g[index];
               const int tap = above.tap * windows.across.size + beside.tap;
               return taps[index] == tap ? value : real(0);
           });
}

extern "C" __global__ void average_pool2d(
    Windows windows, const real* __restrict__ x, real* __restrict__ y) {
    const Axis down = windows.down, across = windows.across;
    Walk at(windows.channels, down.positions, across.positions);
    for (; at.image < windows.images; at.step()) {
        const int top = max(down.start(at.row), 0), left = max(across.start(at.column), 0);
        const int height = down.seen(at.row), width = across.seen(at.column);
        real total = 0;
        for (int p = 0; p < height; ++p) {
            const long long first = windows.pixel(at.image, top + p, left) + at.element;
            real of_row = 0;
            for (int q = 0; q < width; ++q) of_row += x[first + (long long)q * windows.channels];
            total += of_row;
        }
        y[at.index] = total / real((long long)height * width);
    }
}

extern "C" __global__ void average_pool2d_gradient(
    Windows windows, const real* __restrict__ g, real* __restrict__ images) {
    gather(windows, images,
           [=](long long window, const Seeing& above, const Seeing& beside, int channel) {
               const long long height = windows.down.seen(above.position);
               const real size = real(height * windows.across.seen(beside.position));
               return g[window * windows.channels + channel] / size;
           });
}
