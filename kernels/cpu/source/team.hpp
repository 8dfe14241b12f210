// Threads that carry out one program together. Know tiles and barriers, not what a tile holds.
//
// Between programs the helpers sleep. Inside one they meet at a barrier after each operation, where they spin for
// some microseconds, since the next operation is that near, and then sleep: another process may hold the core
// of the one they wait for. Every operation is cut into tiles; a member takes those of its own share in order, so that
// it reads memory in a line, and then what others have left. Which thread computes a tile never changes its bits.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace penstock {

class Team;

// One thread's place in the team.
class Member {
 public:
  Member(Team& team, int rank) : team_(team), rank_(rank) {}

  int rank() const { return rank_; }
  int size() const;

  // Calls body(tile) for tiles of [0, count) until the team has done them all. Once per operation.
  template <class Body>
  void each_tile(std::int64_t count, Body&& body);

  // Waits for all members; afterwards a new operation may begin.
  void barrier();

 private:
  Team& team_;
  int rank_;
  int parity_ = 0;
};

class Team {
 public:
  // `cpus` holds a core for each thread but the first, who is the caller; -1 leaves it to the kernel.
  explicit Team(const std::vector<int>& cpus);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return static_cast<int>(members_.size()); }

  // Every member runs `body`, the caller as rank 0; returns when all are done. One caller at a time.
  template <class Body>
  void run(Body&& body) {
    start([](void* of, Member& member) { (*static_cast<Body*>(of))(member); }, &body);
  }

 private:
  friend class Member;
  using Entry = void (*)(void*, Member&);
  struct alignas(64) Counter {
    std::atomic<std::int64_t> next{0};
  };

  void start(Entry entry, void* argument);
  void serve(int rank);
  void reset(int parity);

  std::vector<Member> members_;
  std::unique_ptr<Counter[]> counters_[2];  // by parity of the operation, then by rank
  alignas(64) std::atomic<std::uint32_t> arrived_{0};
  alignas(64) std::atomic<std::uint32_t> generation_{0};
  alignas(64) std::atomic<std::uint32_t> round_{0};
  bool leaving_ = false;
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  std::vector<std::thread> threads_;
};

inline int Member::size() const { return team_.size(); }

template <class Body>
void Member::each_tile(std::int64_t count, Body&& body) {
  const int size = team_.size();
  Team::Counter* counters = team_.counters_[parity_].get();
  for (int other = 0; other < size; other++) {
    const int owner = (rank_ + other) % size;
    const std::int64_t begin = count * owner / size, end = count * (owner + 1) / size;
    for (;;) {
      const std::int64_t tile = begin + counters[owner].next.fetch_add(1, std::memory_order_relaxed);
      if (tile >= end) break;
      body(tile);
    }
  }
}

}  // namespace penstock
