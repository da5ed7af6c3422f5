// The methods that a renderer may call: the unary methods of the services that have screens,
// and the one stream.
import type { DescService } from '@bufbuild/protobuf';

/** Full names of the unary methods of the services, and of FeedNotification. */
export function allowedMethods(services: readonly DescService[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const service of services)
    for (const method of service.methods)
      if (method.methodKind === 'unary' || method.name === 'FeedNotification') names.add(`/${service.typeName}/${method.name}`);
  return names;
}
