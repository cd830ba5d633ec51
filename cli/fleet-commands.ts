import type { Command } from "commander";
import type { FleetFlags } from "./fleet.ts";

/** The `fleet` command and what is below it; the work is imported when it is chosen. */
export function addFleetCommands(
  program: Command,
  withStaticFlags: (command: Command) => Command,
): void {
  const fleet = program.command("fleet").description("looks at a fleet, and decides about it");
  const add = (parent: Command, usage: string, description: string) =>
    withStaticFlags(parent.command(usage))
      .description(description)
      .option("--admin <host:port>", "admin of a control plane (default: as configured)")
      .option("--token-file <file>", "its token, for what changes something")
      .option("--state-dir <dir>", "of a control plane on this machine, whose token is used");
  add(fleet, "status", "generation, leader, nodes and what waits for a decision").action(
    async (flags: FleetFlags, command: Command) => {
      const { fleetStatus } = await import("./fleet.ts");
      process.exitCode = await fleetStatus(flags, command.args);
    },
  );
  const guard = fleet.command("guard").description("removals held by the mass-removal guard");
  add(guard, "list", "what is held").action(async (flags: FleetFlags, command: Command) => {
    const { fleetGuard } = await import("./fleet.ts");
    process.exitCode = await fleetGuard(flags, command.args);
  });
  for (const [name, description] of [
    ["confirm", "the objects are to go: they are removed now"],
    ["dismiss", "the objects are to stay: they are served until their source names them again"],
  ] as const) {
    add(guard, `${name} <id>`, description).action(
      async (id: string, flags: FleetFlags, command: Command) => {
        const { fleetGuardDecide } = await import("./fleet.ts");
        process.exitCode = await fleetGuardDecide(name, id, flags, command.args.slice(1));
      },
    );
  }
  const fixed = fleet.command("static").description("entry points and node settings");
  add(fixed, "adopt", "the fleet is to run with the asked control plane's file").action(
    async (flags: FleetFlags, command: Command) => {
      const { fleetStaticAdopt } = await import("./fleet.ts");
      process.exitCode = await fleetStaticAdopt(flags, command.args);
    },
  );
  add(fleet, "adopt <fleet-id>", "the store, wiped or new, is to go on as that fleet's").action(
    async (id: string, flags: FleetFlags, command: Command) => {
      const { fleetAdopt } = await import("./fleet.ts");
      process.exitCode = await fleetAdopt(id, flags, command.args.slice(1));
    },
  );
}
