// How the team sleeps, wakes and moves on. Knows threads and nothing of kernels.
#include "team.hpp"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <thread>
#include <vector>

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

struct Team::Threads {
  // The generation in the upper half, the next tile of this owner's share in the lower.
  struct alignas(64) Share {
    std::atomic<std::uint64_t> next{0};
  };

  Threads(Team& team, const std::int32_t* cpus, std::int64_t count);
  ~Threads();

  void begin(Work& work);
  void serve(int rank);
  void open_next(std::uint32_t generation);

  std::vector<Member> members;
  std::vector<Share> shares;
  alignas(64) std::atomic<std::int64_t> done{0};
  alignas(64) std::atomic<std::uint32_t> generation{0};
  alignas(64) std::atomic<std::uint32_t> round{0};
  std::atomic<Work*> work{nullptr};
  std::atomic<int> inside{0};
  std::atomic<bool> leaving{false};
  std::vector<std::thread> helpers;
};

Team::Threads::Threads(Team& team, const std::int32_t* cpus, std::int64_t count) : shares(count + 1) {
  for (int rank = 0; rank <= count; rank++) members.emplace_back(team, rank);
  for (int rank = 1; rank <= count; rank++)
    helpers.emplace_back([this, rank, cpu = cpus[rank - 1]] {
      pin(cpu);
      serve(rank);
    });
}

Team::Threads::~Threads() {
  leaving = true;
  round.fetch_add(1, std::memory_order_release);
  round.notify_all();
  for (auto& helper : helpers) helper.join();
}

void Team::Threads::begin(Work& next) {
  members[0].generation_ = generation.load(std::memory_order_relaxed);
  std::atomic_ref(next.first_generation_).store(members[0].generation_, std::memory_order_release);
  work.store(&next);
}

void Team::Threads::serve(int rank) {
  Member& member = members[rank];
  for (std::uint32_t seen = 0;;) {
    while (round.load(std::memory_order_acquire) == seen) round.wait(seen, std::memory_order_acquire);
    if (leaving) return;
    seen = round.load(std::memory_order_acquire);
    inside.fetch_add(1);  // before it looks at the work: see settle
    if (Work* now = work.load()) {
      member.generation_ = std::atomic_ref(now->first_generation_).load(std::memory_order_acquire);
      now->run(member);
    }
    inside.fetch_sub(1);
  }
}

// Called by the member that did the last tile, while all others can only wait or find tiles of another generation.
void Team::Threads::open_next(std::uint32_t next) {
  done.store(0, std::memory_order_relaxed);
  for (Share& share : shares) share.next.store(std::uint64_t(next) << 32, std::memory_order_release);
  generation.store(next, std::memory_order_release);
  generation.notify_all();
}

Team::Team(const std::int32_t* cpus, std::int64_t count) : threads_(new Threads(*this, cpus, count)) {}
Team::~Team() { delete threads_; }

int Team::size() const { return static_cast<int>(threads_->members.size()); }

void Team::run(Work& work) {
  threads_->begin(work);
  threads_->round.fetch_add(1, std::memory_order_release);
  if (size() > 1) threads_->round.notify_all();
  work.run(threads_->members[0]);
}

void Team::run_alone(Work& work) {
  threads_->begin(work);
  work.run(threads_->members[0]);
}

void Team::settle() {
  threads_->work.store(nullptr);
  for (int i = 0; threads_->inside.load() != 0; i++) i < SPINS ? relax() : std::this_thread::yield();
}

void Team::run(Body<Member&> body) {
  struct Once : Work {
    Body<Member&> body;
    explicit Once(Body<Member&> b) : body(b) {}
    void run(Member& member) override {
      body(member);
      member.barrier();
    }
  } work(body);
  run(work);
  settle();
}

int Member::size() const { return team_.size(); }

bool Member::take(int owner, std::uint32_t& next) {
  std::atomic<std::uint64_t>& share = team_.threads_->shares[owner].next;
  std::uint64_t seen = share.load(std::memory_order_acquire);
  do {
    if (std::uint32_t(seen >> 32) != generation_) return false;
    next = std::uint32_t(seen);
  } while (!share.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel));
  return true;
}

void Member::each_tile(std::int64_t count, Body<std::int64_t> body) {
  Team::Threads& threads = *team_.threads_;
  const int size = team_.size();
  const std::int64_t tiles = count ? count : 1;  // an operation without tiles still needs someone to end it
  for (int other = 0; other < size; other++) {
    const int owner = (rank_ + other) % size;
    const std::int64_t begin = tiles * owner / size, end = tiles * (owner + 1) / size;
    for (std::uint32_t next; begin < end && take(owner, next) && begin + next < end;) {
      if (count) body(begin + next);
      if (threads.done.fetch_add(1, std::memory_order_acq_rel) + 1 == tiles) return threads.open_next(generation_ + 1);
    }
  }
}

void Member::barrier() {
  // Generations only grow, but wrap: the difference tells whether this one is past.
  const std::atomic<std::uint32_t>& generation = team_.threads_->generation;
  if (std::int32_t(generation.load(std::memory_order_acquire) - generation_) <= 0)
    await_change(generation, generation_);
  generation_++;
}

}  // namespace penstock

using namespace penstock;

extern "C" {
Team* penstock_team_new(const std::int32_t* cpus, std::int64_t count) { return new Team(cpus, count); }
void penstock_team_delete(Team* team) { delete team; }
}
