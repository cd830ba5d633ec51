/** Routers and their services, one of each, as an operator would write them in each kind of source. */

function address(index: number): string {
  return `http://10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:8080`;
}

export function yamlText(count: number): string {
  const lines = ["http:", "  routers:"];
  for (let index = 0; index < count; index++) {
    lines.push(
      `    r${index}:`,
      `      rule: Host(\`r${index}.example.com\`)`,
      `      service: s${index}`,
      "      entryPoints: [web]",
    );
  }
  lines.push("  services:");
  for (let index = 0; index < count; index++) {
    lines.push(
      `    s${index}:`,
      "      loadBalancer:",
      "        servers:",
      `          - url: ${address(index)}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

export function tomlText(count: number): string {
  const lines: string[] = [];
  for (let index = 0; index < count; index++) {
    lines.push(
      `[http.routers.r${index}]`,
      `rule = "Host(\`r${index}.example.com\`)"`,
      `service = "s${index}"`,
      'entryPoints = ["web"]',
      "",
    );
  }
  for (let index = 0; index < count; index++) {
    lines.push(`[[http.services.s${index}.loadBalancer.servers]]`, `url = "${address(index)}"`, "");
  }
  return lines.join("\n");
}

/** Keys with their root. */
export function etcdPairs(count: number): [key: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < count; index++) {
    const router = `traefik/http/routers/r${index}`;
    pairs.push([`${router}/entryPoints/0`, "web"]);
    pairs.push([`${router}/rule`, `Host(\`r${index}.example.com\`)`]);
    pairs.push([`${router}/service`, `s${index}`]);
    const server = `traefik/http/services/s${index}/loadBalancer/servers/0`;
    pairs.push([`${server}/url`, address(index)]);
  }
  return pairs;
}
