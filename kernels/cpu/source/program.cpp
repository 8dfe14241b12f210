// The list of operations that one step carries out, and the C doors to it. Knows no operation's insides.
#include <memory>
#include <vector>

#include "op.hpp"

namespace penstock {

struct Program {
  std::vector<std::unique_ptr<Op>> ops;

  void run(const Step& step, Team& team) {
    team.run([&](Member& member) {
      for (auto& op : ops) {
        op->run(step, member);
        if (op != ops.back()) member.barrier();  // the team has one of its own at the end
      }
    });
  }
};

}  // namespace penstock

using namespace penstock;

extern "C" {

Team* penstock_team_new(const std::int32_t* cpus, std::int64_t count) {
  return new Team(std::vector<int>(cpus, cpus + count));
}
void penstock_team_delete(Team* team) { delete team; }

Program* penstock_program_new() { return new Program; }
void penstock_program_delete(Program* program) { delete program; }

// The program owns the operation from now on.
void penstock_program_add(Program* program, Op* op) { program->ops.emplace_back(op); }

void penstock_program_run(Program* program, Team* team, const Step* step) { program->run(*step, *team); }
}
