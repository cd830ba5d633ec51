/** One object's own content and its bytes, as read now or as in use since an earlier batch or process. */
import type { DynamicObject } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { bodyHoldsPrivateKey } from "../../config-model/snapshot/private-keys.ts";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import { resourceKindOf } from "../../config-model/snapshot/resource-kind.ts";
import { errorText } from "../../foundation/error-text.ts";
import type { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { compileObject } from "./compile-object.ts";
import { standIn } from "./compile-tls.ts";
import { type Body, type CompiledContent, invalid, out } from "./compiled-content.ts";
import type { CompiledObject } from "./compiled-object.ts";
import { describeObject } from "./describe-object.ts";
import { decodeBody, entryPointsOf, tlsOf } from "./resource-body.ts";
import type { ProviderPrecedence } from "./router-priority.ts";

export type EncodeResource = (kind: ResourceKind, name: string, body: Body) => Resource;

export interface OwnContent {
  readonly content: CompiledContent;
  /** Absent for routers, which are encoded when it is known what they are bound to. */
  readonly resource?: Resource;
}

export interface OwnContentInit {
  readonly precedence: ProviderPrecedence;
  readonly encode: EncodeResource;
  /** Private keys stay in this process. */
  readonly withholdsKeys: boolean;
}

export class OwnContentCompiler {
  readonly #precedence: ProviderPrecedence;
  readonly #encode: EncodeResource;
  readonly #withholdsKeys: boolean;

  constructor({ precedence, encode, withholdsKeys }: OwnContentInit) {
    this.#precedence = precedence;
    this.#encode = encode;
    this.#withholdsKeys = withholdsKeys;
  }

  /** Whatever goes wrong with one object is that object's mistake: the batch goes on. */
  compile(key: ObjectKey, config: DynamicObject): OwnContent {
    try {
      const content = compileObject(key, config, this.#precedence);
      if (content.kind !== "usable" || isRouter(key)) return { content };
      if (this.#withholdsKeys && bodyHoldsPrivateKey(content.body))
        return { content: withheld(key) };
      const resource = this.encode(key, content.body);
      return resource === undefined ? { content } : { content, resource };
    } catch (error) {
      const reason = errorText(error);
      return { content: invalid("invalid-value", `Cannot use ${describeObject(key)}: ${reason}`) };
    }
  }

  /** What is in the place of an object that must not be missing while it has never been good. */
  standIn(key: ObjectKey): Resource | undefined {
    const body = standIn(key);
    return body && this.encode(key, body);
  }

  /** Undefined: a kind that is never sent. */
  encode({ kind, name }: ObjectKey, body: Body): Resource | undefined {
    const resourceKind = resourceKindOf(kind);
    return resourceKind === undefined ? undefined : this.#encode(resourceKind, name, body);
  }

  /** Bodies are not kept: bytes are smaller, and what routers are bound to changes seldom. */
  inUse({ key, inUse }: CompiledObject): CompiledContent | undefined {
    switch (inUse.kind) {
      case "none":
        return undefined;
      case "carried": {
        const body = decodeBody(inUse.resource.payload);
        if (body === undefined) return undefined;
        const entryPoints = entryPointsOf(body);
        const tls = tlsOf(body);
        return {
          kind: "usable",
          body,
          ...(entryPoints !== undefined && { entryPoints }),
          ...(tls !== undefined && { tls }),
          problems: [],
        };
      }
      case "config":
        return compileObject(key, inUse.config, this.#precedence);
    }
  }
}

/** An insecure stream would show it to whoever listens. */
function withheld(key: ObjectKey): CompiledContent {
  const message = `Cannot use ${describeObject(key)}: its private key would be sent over a stream without TLS`;
  return out(
    "withheld-secret",
    message,
    "give the stream TLS (fleet.stream.tls), or allow it (fleet.insecureSecrets)",
  );
}

export function isRouter({ kind }: ObjectKey): boolean {
  return kind === "httpRouter" || kind === "tcpRouter" || kind === "udpRouter";
}
