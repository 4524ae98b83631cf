// Runs the grid of a CUDA kernel on one thread of the host, and finds what a GPU would let pass.
//
// The threads of a block are fibers: one runs until it returns or waits for others. Blocks, and the
// threads of a block, take their turns in an order made from a seed, so that what depends on the
// order shows. Arrays are copied between pages that may not be touched; shared memory holds garbage
// before each block. The first mistake ends the launch with a sentence.

#include <csetjmp>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

namespace {

struct uint3 {
    unsigned int x, y, z;
};

}  // namespace

// Kernels read these, and never write them.
extern "C" {
uint3 threadIdx, blockIdx, blockDim, gridDim;

// One stretch of memory that the kernel may touch: an array, or several that overlap.
struct Region {
    const char* name;
    char* memory;
    int64_t bytes;
    int is_writable;
};

struct Launch {
    const char* name;
    void (*run)(void**);
    unsigned int grid[3], block[3];
    void** arguments;         // addresses of the values
    const int* regions_of;    // for each argument its region; -1 for a number
    int argument_count;
    const Region* regions;
    int region_count;
    char* const* shared_memory;  // its begin and end
    int flushes;  // whether subnormal numbers are 0
    uint64_t seed;
    char* error;
    int error_bytes;
};
}

namespace {

// ---- What runs now ------------------------------------------------------------------------------

constexpr int most_threads = 1024, lanes = 32;
constexpr size_t stack_bytes = 256 << 10;
constexpr int most_seconds = 60;

struct Fiber {
    char* stack;
    bool has_begun;
    ucontext_t begin;
    jmp_buf resume;
};

struct Thread {
    uint3 index;
    Fiber* fiber;
    jmp_buf resume;
    const char* waits_in;  // a function's name, or null
    int line;
};

struct Warp {
    unsigned int arrived;
    int turn;  // lanes may come to the next exchange while others still read this one
    unsigned long long values[2][lanes];
};

const Launch* launch;
Thread threads[most_threads];
Warp warps[most_threads / lanes];
Fiber fibers[most_threads];
Fiber* idle[most_threads];
int fiber_count, idle_count;

Thread* current;
Fiber* running;
jmp_buf scheduler, stopped;

int thread_count, begun, returned, at_barrier;
int next_thread, thread_step;
Thread* ready[most_threads];
int ready_first, ready_count;

uint64_t random_state;

uint64_t random_number() {  // splitmix64
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t common_divisor(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// A start other than 0 and a step that visits all of `count`.
void scramble(uint64_t count, uint64_t* first, uint64_t* step) {
    *first = count > 1 ? 1 + random_number() % (count - 1) : 0;
    do *step = 1 + random_number() % count;
    while (common_divisor(*step, count) != 1);
}

// ---- Mistakes -----------------------------------------------------------------------------------

[[noreturn]] void fail(const char* format, ...) {
    char* text = launch->error;
    int used = snprintf(text, launch->error_bytes, "Kernel '%s'", launch->name);
    if (running)
        used += snprintf(text + used, launch->error_bytes - used,
                         ", block (%u, %u, %u), thread (%u, %u, %u)", blockIdx.x, blockIdx.y,
                         blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z);
    used += snprintf(text + used, launch->error_bytes - used, ": ");
    va_list values;
    va_start(values, format);
    vsnprintf(text + used, launch->error_bytes - used, format, values);
    va_end(values);
    _longjmp(stopped, 1);
}

bool wait_together(const Thread& one, const Thread& other) {
    return other.waits_in && !strcmp(one.waits_in, other.waits_in) && one.line == other.line;
}

// Whom a waiting thread waits for in vain.
[[noreturn]] void fail_to_meet(Thread* waiting) {
    bool is_barrier = !strcmp(waiting->waits_in, "__syncthreads");
    int self = waiting - threads, other = is_barrier ? 0 : self / lanes * lanes;
    int end = is_barrier ? thread_count : other + lanes;
    while (other < end && other < thread_count && wait_together(*waiting, threads[other])) ++other;
    threadIdx = waiting->index;
    const char* whom = is_barrier ? "every thread of the block" : "all 32 lanes of the warp";
    if (other == thread_count)
        fail("%s in line %d is for %s, and the block's %d threads are no multiple of 32",
             waiting->waits_in, waiting->line, whom, thread_count);
    const Thread& missing = threads[other];
    const uint3 at = missing.index;
    if (!missing.waits_in)
        fail("%s in line %d is for %s, but thread (%u, %u, %u) has returned", waiting->waits_in,
             waiting->line, whom, at.x, at.y, at.z);
    fail("%s in line %d is for %s, but thread (%u, %u, %u) is in %s in line %d", waiting->waits_in,
         waiting->line, whom, at.x, at.y, at.z, missing.waits_in, missing.line);
}

// ---- Fibers -------------------------------------------------------------------------------------

void run_as(Thread* thread) {
    current = thread;
    threadIdx = thread->index;
}

void begin_next_thread() {
    Thread* thread = threads + next_thread;
    next_thread = (next_thread + thread_step) % thread_count;
    ++begun;
    run_as(thread);
    launch->run(launch->arguments);
    ++returned;
}

// A fiber runs one thread after another: for threads that never wait, one fiber is enough.
void work() {
    for (;;) {
        while (begun < thread_count) begin_next_thread();
        idle[idle_count++] = running;
        if (!_setjmp(running->resume)) _longjmp(scheduler, 1);
    }
}

[[noreturn]] void run_idle_fiber() {
    if (!idle_count) {
        Fiber* made = fibers + fiber_count;
        void* stack = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stack == MAP_FAILED) fail("there is no memory for the threads' stacks");
        made->stack = static_cast<char*>(stack);
        mprotect(stack, getpagesize(), PROT_NONE);
        ++fiber_count;
        idle[idle_count++] = made;
    }
    running = idle[--idle_count];
    if (running->has_begun) _longjmp(running->resume, 1);
    running->has_begun = true;
    getcontext(&running->begin);
    running->begin.uc_stack.ss_sp = running->stack;
    // Each a little lower than the last: else they would all lie on the same lines of the cache.
    running->begin.uc_stack.ss_size = stack_bytes - (running - fibers) % 32 * 192;
    running->begin.uc_link = nullptr;
    makecontext(&running->begin, work, 0);
    setcontext(&running->begin);
    __builtin_unreachable();
}

// After a mistake threads are left where they were, and their stacks begin anew.
void abandon_threads() {
    idle_count = 0;
    for (int i = 0; i < fiber_count; ++i) {
        fibers[i].has_begun = false;
        idle[idle_count++] = fibers + i;
    }
}

__attribute__((noinline)) void wait() {
    current->fiber = running;
    if (!_setjmp(current->resume)) _longjmp(scheduler, 1);
}

// Lets `count` threads from `first` on run again, in a new order, if all wait in the same place.
void release_together(int first, int count) {
    for (int i = first; i < first + count; ++i)
        if (!wait_together(*current, threads[i])) fail_to_meet(current);
    uint64_t next, step;
    scramble(count, &next, &step);
    for (int i = 0; i < count; ++i, next = (next + step) % count)
        ready[(ready_first + ready_count++) % most_threads] = threads + first + next;
}

__attribute__((noinline)) void run_block() {
    while (returned < thread_count) {
        if (ready_count) {
            Thread* thread = ready[ready_first];
            ready_first = (ready_first + 1) % most_threads;
            --ready_count;
            thread->waits_in = nullptr;
            running = thread->fiber;
            run_as(thread);
            if (!_setjmp(scheduler)) _longjmp(current->resume, 1);
        } else if (begun < thread_count) {
            if (!_setjmp(scheduler)) run_idle_fiber();
        } else {
            Thread* waiting = threads;
            while (!waiting->waits_in) ++waiting;
            fail_to_meet(waiting);
        }
    }
}

void prepare_block() {
    begun = returned = at_barrier = ready_first = ready_count = 0;
    for (int i = 0; i < thread_count; ++i) threads[i].waits_in = nullptr;
    uint64_t first, step;
    scramble(thread_count, &first, &step);
    next_thread = first;
    thread_step = step;
    // Either NaN and -1, or 3e38 and 2e9: a maximum may pass over the one, a sum over neither.
    char* const* memory = launch->shared_memory;
    memset(memory[0], random_number() & 1 ? 0xff : 0x7f, memory[1] - memory[0]);
}

void run_grid() {
    blockDim = {launch->block[0], launch->block[1], launch->block[2]};
    gridDim = {launch->grid[0], launch->grid[1], launch->grid[2]};
    thread_count = blockDim.x * blockDim.y * blockDim.z;
    memset(warps, 0, sizeof warps);
    for (unsigned int i = 0; i < (unsigned int)thread_count; ++i)
        threads[i].index = {i % blockDim.x, i / blockDim.x % blockDim.y,
                            i / blockDim.x / blockDim.y};
    uint64_t count = (uint64_t)gridDim.x * gridDim.y * gridDim.z, next, step;
    random_state = launch->seed;
    scramble(count, &next, &step);
    for (uint64_t i = 0; i < count; ++i, next = (next + step) % count) {
        blockIdx = {(unsigned int)(next % gridDim.x), (unsigned int)(next / gridDim.x % gridDim.y),
                    (unsigned int)(next / gridDim.x / gridDim.y)};
        prepare_block();
        run_block();
    }
}

// ---- Memory -------------------------------------------------------------------------------------

constexpr int most_regions = 64;
constexpr size_t closed_bytes = 32 << 20;   // before and after each region: to touch it is an error
constexpr uint16_t filling = 0xfff7;        // NaN as a float of any size

struct Fence {
    char *map, *open, *memory, *open_end;
    size_t map_bytes;
};

constexpr size_t kept_bytes = 2 * closed_bytes + (1 << 20);  // larger maps are given back
Fence fences[most_regions];                                  // kept between launches
int fence_count;                                             // used in this one

// Pages begin at even addresses, and no stretch that is filled is longer than this.
struct Filling {
    uint16_t numbers[1 << 16];
    Filling() {
        for (uint16_t& number : numbers) number = filling;
    }
    const char* for_address(const char* address) const {
        return reinterpret_cast<const char*>(numbers) + (reinterpret_cast<uintptr_t>(address) & 1);
    }
} const filled;

void fill(char* begin, const char* end) { memcpy(begin, filled.for_address(begin), end - begin); }

const char* first_change(const char* begin, const char* end) {
    const char* expected = filled.for_address(begin);
    if (!memcmp(begin, expected, end - begin)) return nullptr;
    while (*begin == *expected) ++begin, ++expected;
    return begin;
}

void unmap(Fence& fence) {
    if (fence.map) munmap(fence.map, fence.map_bytes);
    fence.map = nullptr;
}

bool map(Fence& fence, size_t open_bytes) {
    size_t map_bytes = open_bytes + 2 * closed_bytes;
    if (fence.map && fence.map_bytes == map_bytes) return true;
    unmap(fence);
    void* made = mmap(nullptr, map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                      -1, 0);
    if (made == MAP_FAILED) return false;
    fence.map = static_cast<char*>(made);
    fence.map_bytes = map_bytes;
    fence.open = fence.map + closed_bytes;
    fence.open_end = fence.open + open_bytes;
    return !mprotect(fence.open, open_bytes, PROT_READ | PROT_WRITE);
}

// Copies a region so that it ends where closed pages begin, or up to 15 bytes before, for its
// address keeps its remainder by 16.
bool put_between_closed_pages(const Region& region) {
    Fence& fence = fences[fence_count];
    size_t page = getpagesize();
    if (!map(fence, (region.bytes + 16 + page - 1) / page * page)) return false;
    ++fence_count;
    uintptr_t end = reinterpret_cast<uintptr_t>(fence.open_end - region.bytes);
    fence.memory = fence.open_end - region.bytes -
                   ((end - reinterpret_cast<uintptr_t>(region.memory)) & 15);
    fill(fence.open, fence.memory);
    memcpy(fence.memory, region.memory, region.bytes);
    fill(fence.memory + region.bytes, fence.open_end);
    return true;
}

// Where an address lies, seen from the array that it missed.
[[noreturn]] void fail_outside(const char* what, const Region& region, const Fence& fence,
                               const char* address) {
    int64_t offset = address - fence.memory;
    if (offset < 0)
        fail("%s %lld bytes before the begin of '%s'", what, (long long)-offset, region.name);
    fail("%s %lld bytes after the end of '%s', which has %lld bytes", what,
         (long long)(offset - region.bytes), region.name, (long long)region.bytes);
}

void check_fences() {
    for (int i = 0; i < fence_count; ++i) {
        const Fence& fence = fences[i];
        const Region& region = launch->regions[i];
        const char* changed = first_change(fence.open, fence.memory);
        if (!changed) changed = first_change(fence.memory + region.bytes, fence.open_end);
        if (changed) fail_outside("it has written", region, fence, changed);
    }
}

void copy_back() {
    for (int i = 0; i < fence_count; ++i)
        if (launch->regions[i].is_writable)
            memcpy(launch->regions[i].memory, fences[i].memory, launch->regions[i].bytes);
}

void remove_fences() {
    for (int i = 0; i < fence_count; ++i)
        if (fences[i].map_bytes > kept_bytes) unmap(fences[i]);
    fence_count = 0;
}

// ---- Subnormal numbers --------------------------------------------------------------------------

// What the processor computes with: a switch for results and one for operands, or one for both.
#if defined(__x86_64__)
constexpr uint64_t flushing = 0x8040;
uint64_t float_control() { return __builtin_ia32_stmxcsr(); }
void set_float_control(uint64_t control) { __builtin_ia32_ldmxcsr(control); }
#elif defined(__aarch64__)
constexpr uint64_t flushing = 1 << 24;
uint64_t float_control() {
    uint64_t control;
    asm volatile("mrs %0, fpcr" : "=r"(control));
    return control;
}
void set_float_control(uint64_t control) { asm volatile("msr fpcr, %0" : : "r"(control)); }
#else
#error "It is not known here how this processor takes subnormal numbers for 0."
#endif

// ---- Faults -------------------------------------------------------------------------------------

pthread_t launcher;
struct sigaction usual_segv, usual_bus, usual_timer;
stack_t usual_stack;
timer_t timer;
bool has_timer;
char fault_stack[64 << 10];

void on_fault(int signal, siginfo_t* info, void*) {
    if (!pthread_equal(pthread_self(), launcher)) {  // not ours: it faults again, as usual
        sigaction(signal, signal == SIGSEGV ? &usual_segv : &usual_bus, nullptr);
        return;
    }
    const char* address = static_cast<const char*>(info->si_addr);
    for (int i = 0; i < fence_count; ++i)
        if (address >= fences[i].map && address < fences[i].map + fences[i].map_bytes)
            fail_outside("reads or writes", launch->regions[i], fences[i], address);
    if (running && address >= running->stack && address < running->stack + stack_bytes)
        fail("needs more than %zu KB for local variables", stack_bytes >> 10);
    fail("reads or writes at address %p, far from every array", info->si_addr);
}

void on_timer(int, siginfo_t*, void*) {
    fail("still runs after %d seconds, so it will hardly end", most_seconds);
}

// The processor's time counts, not the clock's: the machine may be busy with other work.
void begin_timer() {
    sigevent event = {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGVTALRM;
    event._sigev_un._tid = gettid();
    has_timer = !timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer);
    itimerspec when = {};
    when.it_value.tv_sec = most_seconds;
    if (has_timer) timer_settime(timer, 0, &when, nullptr);
}

void end_timer() {
    if (has_timer) timer_delete(timer);
    has_timer = false;
}

void catch_faults() {
    launcher = pthread_self();
    stack_t stack = {};
    stack.ss_sp = fault_stack;
    stack.ss_size = sizeof fault_stack;
    sigaltstack(&stack, &usual_stack);
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(SIGSEGV, &action, &usual_segv);
    sigaction(SIGBUS, &action, &usual_bus);
    action.sa_sigaction = on_timer;
    sigaction(SIGVTALRM, &action, &usual_timer);
}

void leave_faults() {
    sigaction(SIGSEGV, &usual_segv, nullptr);
    sigaction(SIGBUS, &usual_bus, nullptr);
    sigaction(SIGVTALRM, &usual_timer, nullptr);
    sigaltstack(&usual_stack, nullptr);
}

}  // namespace

// ---- What kernels call --------------------------------------------------------------------------

extern "C" {

void cuda_block_wait(const char* function, int line) {
    current->waits_in = function;
    current->line = line;
    if (++at_barrier == thread_count) {
        at_barrier = 0;
        release_together(0, thread_count);
    }
    wait();
}

const unsigned long long* cuda_warp_exchange(const char* function, int line, unsigned int mask,
                                             unsigned long long value) {
    if (mask != 0xffffffffu)
        fail("%s in line %d has the mask %#x, but only the full one is offered", function, line,
             mask);
    int self = current - threads, first = self / lanes * lanes;
    current->waits_in = function;
    current->line = line;
    Warp& warp = warps[self / lanes];
    unsigned long long* values = warp.values[warp.turn];
    values[self - first] = value;
    warp.arrived |= 1u << (self - first);
    if (warp.arrived == mask) {
        warp.arrived = 0;
        warp.turn ^= 1;
        release_together(first, lanes);
    }
    wait();
    return values;
}

// The compiler calls these where its checks find undefined behaviour; each is given its place.
struct Place {
    const char* file;
    uint32_t line, column;
};
#define CUDA_CHECK(name, what)                                                                    \
    void __ubsan_handle_##name##_abort(const Place* place) {                                      \
        fail("line %u %s", place->line, what);                                                    \
    }
CUDA_CHECK(out_of_bounds, "has an index outside its array")
CUDA_CHECK(type_mismatch_v1, "reads or writes at an address of the wrong alignment")
CUDA_CHECK(add_overflow, "overflows a signed integer")
CUDA_CHECK(sub_overflow, "overflows a signed integer")
CUDA_CHECK(mul_overflow, "overflows a signed integer")
CUDA_CHECK(negate_overflow, "overflows a signed integer")
CUDA_CHECK(divrem_overflow, "divides an integer by zero, or overflows")
CUDA_CHECK(shift_out_of_bounds, "shifts by less than 0 bits or more than there are")

// Returns 0, or 1 with a sentence in `error` and every array as it was.
int cuda_launch(const Launch* what) {
    launch = what;
    running = nullptr;
    threadIdx = blockIdx = {};
    volatile int failed = 1;
    const uint64_t usual_control = float_control();
    catch_faults();
    if (!_setjmp(stopped)) {
        for (int i = 0; i < launch->region_count; ++i)
            if (i == most_regions || !put_between_closed_pages(launch->regions[i]))
                fail("there is no memory for copies of its arrays");
        for (int i = 0; i < launch->argument_count; ++i) {
            int region = launch->regions_of[i];
            if (region >= 0) {
                char** pointer = static_cast<char**>(launch->arguments[i]);
                *pointer += fences[region].memory - launch->regions[region].memory;
            }
        }
        begin_timer();
        if (launch->flushes) set_float_control(usual_control | flushing);
        run_grid();
        set_float_control(usual_control);
        end_timer();
        running = nullptr;
        check_fences();
        copy_back();
        failed = 0;
    } else {
        set_float_control(usual_control);
        end_timer();
        abandon_threads();
    }
    leave_faults();
    remove_fences();
    return failed;
}
}
