// Threads that carry out one program together. Know tiles and generations, not what a tile holds.
//
// Every operation is cut into tiles. A member takes those of its own share in order, so that it reads memory in a line, and
// then what others have left; the operation is over when its last tile is done, and the member that did it opens the next one.
// So nobody waits for a member that holds no tile: on a busy machine the system may take a thread's core away for
// milliseconds, and the others go on without it. A late member finds the tiles of past generations taken, and catches up.
// Which thread computes a tile never changes its bits.
//
// Between works the helpers sleep. Inside one they wait by spinning for some microseconds, since the next operation is that near,
// and then sleep as well.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace penstock {

class Team;

// One thread's place in the team.
class alignas(64) Member {
 public:
  Member(Team& team, int rank) : team_(team), rank_(rank) {}

  int rank() const { return rank_; }
  int size() const;

  // Calls body(tile) for tiles of [0, count) until none is left to take. Exactly once per operation.
  template <class Body>
  void each_tile(std::int64_t count, Body&& body);

  // Waits until the operation's last tile is done, whoever does it. Exactly once, after each_tile.
  void barrier();

 private:
  friend class Team;
  bool take(int owner, std::uint32_t& next);

  Team& team_;
  int rank_;
  std::uint32_t generation_ = 0;  // of the operation this member is at
};

// What a team carries out: operations in order, each an each_tile and a barrier. It may be asked by a member that is
// late, when the team has finished it already; so it must outlive `Team::settle`.
class Work {
 public:
  virtual ~Work() = default;
  virtual void run(Member& member) = 0;

 private:
  friend class Team;
  std::atomic<std::uint32_t> first_generation_{0};
};

class Team {
 public:
  // `cpus` holds a core for each thread but the first, who is the caller; -1 leaves it to the kernel.
  explicit Team(const std::vector<int>& cpus);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return static_cast<int>(members_.size()); }

  // The caller takes part as rank 0; returns when the last operation is done. One caller at a time.
  void run(Work& work);

  // The same without waking anybody: for work that is shorter than a thread's awakening.
  void run_alone(Work& work);

  // Returns when no helper is inside a work any more; from then on the last one may be destroyed.
  void settle();

  // The same for a body of one operation, which calls each_tile.
  template <class Body>
  void run(Body&& body) {
    struct Once : Work {
      Body& body;
      explicit Once(Body& b) : body(b) {}
      void run(Member& member) override {
        body(member);
        member.barrier();
      }
    } work(body);
    run(static_cast<Work&>(work));
    settle();
  }

 private:
  friend class Member;
  // The generation in the upper half, the next tile of this owner's share in the lower.
  struct alignas(64) Share {
    std::atomic<std::uint64_t> next{0};
  };

  void begin(Work& work);
  void serve(int rank);
  void open_next(std::uint32_t generation);

  std::vector<Member> members_;
  std::unique_ptr<Share[]> shares_;
  alignas(64) std::atomic<std::int64_t> done_{0};
  alignas(64) std::atomic<std::uint32_t> generation_{0};
  alignas(64) std::atomic<std::uint32_t> round_{0};
  std::atomic<Work*> work_{nullptr};
  std::atomic<int> inside_{0};
  std::atomic<bool> leaving_{false};
  std::vector<std::thread> threads_;
};

inline int Member::size() const { return team_.size(); }

inline bool Member::take(int owner, std::uint32_t& next) {
  std::atomic<std::uint64_t>& share = team_.shares_[owner].next;
  std::uint64_t seen = share.load(std::memory_order_acquire);
  do {
    if (std::uint32_t(seen >> 32) != generation_) return false;
    next = std::uint32_t(seen);
  } while (!share.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel));
  return true;
}

template <class Body>
void Member::each_tile(std::int64_t count, Body&& body) {
  const int size = team_.size();
  const std::int64_t tiles = count ? count : 1;  // an operation without tiles still needs someone to end it
  for (int other = 0; other < size; other++) {
    const int owner = (rank_ + other) % size;
    const std::int64_t begin = tiles * owner / size, end = tiles * (owner + 1) / size;
    for (std::uint32_t next; begin < end && take(owner, next) && begin + next < end;) {
      if (count) body(begin + next);
      if (team_.done_.fetch_add(1, std::memory_order_acq_rel) + 1 == tiles) return team_.open_next(generation_ + 1);
    }
  }
}

}  // namespace penstock
