// The list of operations that one step carries out, and the C doors to it. Knows no operation's insides.
#include <memory>
#include <vector>

#include "op.hpp"

namespace penstock {

// Keeps its step: a member that comes late may still look at it.
class Program : public Work {
 public:
  void add(Op* op) { ops_.emplace_back(op); }

  void run_step(const Step& step, Team& team) {
    step_ = step;
    team_ = &team;
    if (step.is_short) {
      team.run_alone(*this);
    } else {
      team.run(static_cast<Work&>(*this));
    }
  }

  void run(Member& member) override {
    for (auto& op : ops_) {
      op->run(step_, member);
      member.barrier();
    }
  }

  ~Program() override {
    if (team_) team_->settle();
  }

 private:
  std::vector<std::unique_ptr<Op>> ops_;
  Step step_{};
  Team* team_ = nullptr;
};

}  // namespace penstock

using namespace penstock;

extern "C" {

Team* penstock_team_new(const std::int32_t* cpus, std::int64_t count) {
  return new Team(std::vector<int>(cpus, cpus + count));
}
void penstock_team_delete(Team* team) { delete team; }

Program* penstock_program_new() { return new Program; }
// Before its team.
void penstock_program_delete(Program* program) { delete program; }

// The program owns the operation from now on.
void penstock_program_add(Program* program, Op* op) { program->add(op); }

void penstock_program_run(Program* program, Team* team, const Step* step) { program->run_step(*step, *team); }
}
