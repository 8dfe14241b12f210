// How the team sleeps, wakes and moves on. Knows threads and nothing of kernels.
#include "team.hpp"

#include <pthread.h>
#include <sched.h>

namespace penstock {

namespace {

constexpr int SPINS = 2000;  // some 20 to 40 microseconds

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Returns once `word` is no longer `old`.
void await_change(const std::atomic<std::uint32_t>& word, std::uint32_t old) {
  for (int i = 0; i < SPINS; i++) {
    if (word.load(std::memory_order_acquire) != old) return;
    relax();
  }
  while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
}

void pin(int cpu) {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);  // a core that is gone is no reason to fail
}

}  // namespace

Team::Team(const std::vector<int>& cpus) {
  const int size = static_cast<int>(cpus.size()) + 1;
  for (int rank = 0; rank < size; rank++) members_.emplace_back(*this, rank);
  shares_ = std::make_unique<Share[]>(size);
  for (int rank = 1; rank < size; rank++)
    threads_.emplace_back([this, rank, cpu = cpus[rank - 1]] {
      pin(cpu);
      serve(rank);
    });
}

Team::~Team() {
  leaving_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Team::run(Work& work) {
  begin(work);
  round_.fetch_add(1, std::memory_order_release);
  if (size() > 1) round_.notify_all();
  work.run(members_[0]);
}

void Team::run_alone(Work& work) {
  begin(work);
  work.run(members_[0]);
}

void Team::begin(Work& work) {
  members_[0].generation_ = generation_.load(std::memory_order_relaxed);
  work.first_generation_.store(members_[0].generation_, std::memory_order_release);
  work_.store(&work);
}

void Team::settle() {
  work_.store(nullptr);
  for (int i = 0; inside_.load() != 0; i++) i < SPINS ? relax() : std::this_thread::yield();
}

void Team::serve(int rank) {
  Member& member = members_[rank];
  for (std::uint32_t seen = 0;;) {
    while (round_.load(std::memory_order_acquire) == seen) round_.wait(seen, std::memory_order_acquire);
    if (leaving_) return;
    seen = round_.load(std::memory_order_acquire);
    inside_.fetch_add(1);  // before it looks at the work: see settle
    if (Work* work = work_.load()) {
      member.generation_ = work->first_generation_.load(std::memory_order_acquire);
      work->run(member);
    }
    inside_.fetch_sub(1);
  }
}

// Called by the member that did the last tile, while all others can only wait or find tiles of another generation.
void Team::open_next(std::uint32_t generation) {
  done_.store(0, std::memory_order_relaxed);
  for (int rank = 0; rank < size(); rank++)
    shares_[rank].next.store(std::uint64_t(generation) << 32, std::memory_order_release);
  generation_.store(generation, std::memory_order_release);
  generation_.notify_all();
}

void Member::barrier() {
  // Generations only grow, but wrap: the difference tells whether this one is past.
  if (std::int32_t(team_.generation_.load(std::memory_order_acquire) - generation_) <= 0)
    await_change(team_.generation_, generation_);
  generation_++;
}

}  // namespace penstock
