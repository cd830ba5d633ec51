/** The program's commands and process flags; each command's work is imported when it is chosen. */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { errorText } from "../foundation/error-text.ts";
import { nearestName } from "../foundation/nearest-name.ts";
import { CommandFailedError, exitCode, UsageError } from "./exit-code.ts";
import { addFleetCommands } from "./fleet-commands.ts";
import { programVersion } from "./version.ts";

/** `argv` without the interpreter and the script. Sets the process's exit code; a running command ends by signal. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    const program = createProgram();
    refuseUnknownCommand(program, argv[0]);
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    process.exitCode = report(error);
  }
}

function createProgram(): Command {
  const program = new Command("switchyard")
    .description("An edge router for fleets")
    .version(versionLine(), "--version")
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "switchyard: ")),
    })
    .showSuggestionAfterError();

  withStaticFlags(program.command("up", { isDefault: true }))
    .description("control plane and one data plane in one process")
    .option("--workers <n>", "traffic threads (default: available processors)", positive)
    .option("--state-dir <dir>", "where the committed generations are kept")
    .option("--admin <host:port>", "admin address of the data plane (default: 127.0.0.1:8081)")
    .action(async (options, command: Command) => {
      const { up } = await import("./up.ts");
      process.exitCode = await up(options, command.args);
    });

  withStaticFlags(program.command("control-plane"))
    .description("gathers configuration and streams it to the data planes")
    .option("--state-dir <dir>", "where the local store is kept")
    .action(async (options, command: Command) => {
      const { controlPlane } = await import("./control-plane.ts");
      process.exitCode = await controlPlane(options, command.args);
    });

  program
    .command("data-plane")
    .description("runs the entry points, following a control plane")
    .requiredOption(
      "--control-plane <host:port,...>",
      "stream addresses, tried in turn; unix:PATH too",
    )
    .option("--node-id <id>", "default: host name and six hex digits, kept in the state directory")
    .option("--label <key=value>", "shown in the fleet's status; may be repeated", collect, [])
    .option("--workers <n>", "traffic threads (default: available processors)", positive)
    .option("--state-dir <dir>", "last-known-good and node identity")
    .option("--insecure", "stream without TLS (the control plane needs fleet.insecure: true)")
    .option("--tls-ca <file>", "PEM file of the CA that signed the control plane's certificate")
    .option("--tls-cert <file>", "PEM file of this node's certificate")
    .option("--tls-key <file>", "PEM file of its key")
    .option("--admin <host:port>", "/livez /readyz /metrics /snapshot (default: 127.0.0.1:8081)")
    .option(
      "--ready-max-age <seconds>",
      "not ready when the state is older; 0: never",
      wholeNumber,
      0,
    )
    .option("--adopt-fleet <id>", "accept the state of that fleet in place of the one held")
    .option("--log.level <level>", "debug, info, warn or error", "info")
    .option("--log.format <format>", "json or common (default: by terminal)")
    .allowUnknownOption() // --entryPoints.NAME.address=HOST:PORT; anything else is refused by the command
    .allowExcessArguments()
    .addHelpText(
      "after",
      "\n  --entryPoints.NAME.address=HOST:PORT   local address of an entry point",
    )
    .action(async (options, command: Command) => {
      const { dataPlane } = await import("./data-plane.ts");
      process.exitCode = await dataPlane(options, command.args);
    });

  withStaticFlags(program.command("healthcheck"))
    .description("asks the control plane's /ping, or with --admin a data plane's /readyz")
    .option("--admin <host:port>", "admin address of a data plane")
    .action(async (options, command: Command) => {
      const { healthcheck } = await import("./healthcheck.ts");
      process.exitCode = await healthcheck(options, command.args);
    });

  program
    .command("validate")
    .description("checks configuration files, static and dynamic, as one configuration")
    .argument("<file...>", "YAML or TOML")
    .action(async (files: readonly string[]) => {
      const { validate } = await import("./validate.ts");
      process.exitCode = validate(files);
    });

  addFleetCommands(program, withStaticFlags);

  program
    .command("version")
    .description("prints the version")
    .action(() => void process.stdout.write(`${versionLine()}\n`));
  return program;
}

/** What commander does not know is static configuration, which names its own mistakes. */
function withStaticFlags(command: Command): Command {
  return command
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText(
      "after",
      "\nStatic configuration comes from one of --configFile=FILE (TOML or YAML), flags such as" +
        "\n--entryPoints.web.address=:80, or variables SWITCHYARD_...: docs/configuration.md lists the keys.",
    );
}

/** With a default command, commander would take a mistyped command for an argument of it. */
function refuseUnknownCommand(program: Command, first: string | undefined): void {
  if (first === undefined || first.startsWith("-")) return;
  const names = [...program.commands.map((command) => command.name()), "help"];
  if (names.includes(first)) return;
  const near = nearestName(first, names);
  const hint = near === undefined ? `one of ${names.join(", ")}` : `did you mean "${near}"?`;
  throw new UsageError(`Unknown command "${first}" (${hint})`);
}

function versionLine(): string {
  return `switchyard ${programVersion()} (node ${process.versions.node})`;
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Give a whole number.");
  return Number(text);
}

function positive(text: string): number {
  const number = wholeNumber(text);
  if (number < 1) throw new InvalidArgumentError("Give a whole number of at least 1.");
  return number;
}

/** One sentence and an exit code: no stack trace reaches an operator. */
function report(error: unknown): number {
  // Commander has written its own sentence; help and --version end through here too, with code 0.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCode.done : exitCode.wrongUsage;
  const message = errorText(error);
  const expected = error instanceof UsageError || error instanceof CommandFailedError;
  process.stderr.write(`switchyard: ${expected ? "" : "internal error: "}${message}\n`);
  if (!expected && process.env["SWITCHYARD_DEBUG"] !== undefined && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  }
  return error instanceof UsageError ? exitCode.wrongUsage : exitCode.failed;
}
