// How the team sleeps, wakes and meets. Knows threads and nothing of kernels.
#include "team.hpp"

#include <pthread.h>
#include <sched.h>

namespace penstock {

namespace {

constexpr int SPINS = 4000;  // some 40 microseconds

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
  for (auto& counters : counters_) counters = std::make_unique<Counter[]>(size);
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

void Team::start(Entry entry, void* argument) {
  entry_ = entry;
  argument_ = argument;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  entry(argument, members_[0]);
  members_[0].barrier();
}

void Team::serve(int rank) {
  for (std::uint32_t seen = 0;; seen++) {
    while (round_.load(std::memory_order_acquire) == seen) round_.wait(seen, std::memory_order_acquire);
    if (leaving_) return;
    entry_(argument_, members_[rank]);
    members_[rank].barrier();
  }
}

void Team::reset(int parity) {
  for (int rank = 0; rank < size(); rank++) counters_[parity][rank].next.store(0, std::memory_order_relaxed);
}

void Member::barrier() {
  const std::uint32_t generation = team_.generation_.load(std::memory_order_acquire);
  parity_ ^= 1;
  if (team_.arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<std::uint32_t>(team_.size())) {
    team_.reset(parity_);  // the next operation's: nobody can be inside it yet, nor still in its last use
    team_.arrived_.store(0, std::memory_order_relaxed);
    team_.generation_.fetch_add(1, std::memory_order_release);
    team_.generation_.notify_all();
    return;
  }
  await_change(team_.generation_, generation);
}

}  // namespace penstock
