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
//
// What they are made of stands in team.cpp: every kernel is compiled with this file.
#pragma once

#include <cstdint>

namespace penstock {

class Team;

// Refers to something that can be called, for as long as the caller of what takes it has it. Whoever takes one is compiled once,
// not for each caller.
template <class... Arguments>
class Body {
 public:
  template <class Callable>
  Body(const Callable& callable) : callable_(&callable), call_(call<Callable>) {}
  void operator()(Arguments... arguments) const { call_(callable_, arguments...); }

 private:
  template <class Callable>
  static void call(const void* callable, Arguments... arguments) {
    (*static_cast<const Callable*>(callable))(arguments...);
  }

  const void* callable_;
  void (*call_)(const void*, Arguments...);
};

class alignas(64) Member {
 public:
  Member(Team& team, int rank) : team_(team), rank_(rank) {}

  int rank() const { return rank_; }
  int size() const;

  // Calls body(tile) for tiles of [0, count) until none is left to take. Exactly once per operation.
  void each_tile(std::int64_t count, Body<std::int64_t> body);

  // The same for rows, `rows_per_tile` of them to a tile: body(row).
  template <class Callable>
  void each_row(std::int64_t count, std::int64_t rows_per_tile, const Callable& body) {
    each_tile((count + rows_per_tile - 1) / rows_per_tile, [&](std::int64_t tile) {
      const std::int64_t first = tile * rows_per_tile, rest = count - first;
      const std::int64_t end = first + (rest < rows_per_tile ? rest : rows_per_tile);
      for (std::int64_t row = first; row < end; row++) body(row);
    });
  }

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
  std::uint32_t first_generation_ = 0;  // threads read and write it at once: see team.cpp
};

class Team {
 public:
  // `cpus` holds a core for each thread but the first, who is the caller; -1 leaves it to the kernel.
  Team(const std::int32_t* cpus, std::int64_t count);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const;

  // The caller takes part as rank 0; returns when the last operation is done. One caller at a time.
  void run(Work& work);

  // The same without waking anybody: for work that is shorter than a thread's awakening.
  void run_alone(Work& work);

  // Returns when no helper is inside a work any more; from then on the last one may be destroyed.
  void settle();

  // All of this for one operation: body(member) calls each_tile.
  void run(Body<Member&> body);

 private:
  friend class Member;
  struct Threads;  // and what they share
  Threads* threads_;
};

}  // namespace penstock
