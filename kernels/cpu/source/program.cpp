// The list of operations that one step carries out, and the C doors to it. Knows no operation's insides.
#include <vector>

#include "op.hpp"
#include "team.hpp"

namespace penstock {

// Keeps its step: a member that comes late may still look at it.
class Program : public Work {
 public:
  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() override {
    if (team_) team_->settle();
    for (Op* op : ops_) delete op;
  }

  // Owns it from now on.
  void add(Op* op) { ops_.push_back(op); }

  void run_step(const Step& step, Team& team) {
    step_ = step;
    team_ = &team;
    if (step.is_short) {
      team.run_alone(*this);
    } else {
      team.run(*this);
    }
  }

  void run(Member& member) override {
    for (Op* op : ops_) {
      op->run(step_, member);
      member.barrier();
    }
  }

 private:
  std::vector<Op*> ops_;
  Step step_{};
  Team* team_ = nullptr;
};

}  // namespace penstock

using namespace penstock;

extern "C" {

Program* penstock_program_new() { return new Program; }
// Before its team.
void penstock_program_delete(Program* program) { delete program; }

// The program owns the operation from now on.
void penstock_program_add(Program* program, Op* op) { program->add(op); }

void penstock_program_run(Program* program, Team* team, const Step* step) { program->run_step(*step, *team); }
}
