/** Called as a worker passes `<port>.<method>:before` and `:after`, the places where a crash can part two effects. */
export type KillPoint = (label: string) => void;

/** A port that names each call of it before it is made and after it has ended well. */
export function withKillPoints<Port extends object>(name: string, port: Port, pass: KillPoint): Port {
  return new Proxy(port, {
    get(target, method) {
      const member: unknown = Reflect.get(target, method);
      if (typeof member !== 'function') return member;
      return async (...parameters: unknown[]) => {
        pass(`${name}.${String(method)}:before`);
        const result: unknown = await Reflect.apply(member, target, parameters);
        pass(`${name}.${String(method)}:after`);
        return result;
      };
    },
  });
}
