/* Deciding where a request goes. "sluice.routing/1" is the plugin's side: a plugin that has it is asked after access, before a target is
   chosen. "sluice.cluster/1" is the host's side: choosing a cluster by name, also from rewrite and access. */
#ifndef SLUICE_ROUTING_H
#define SLUICE_ROUTING_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_ROUTING_1 "sluice.routing/1"
#define SLUICE_CLUSTER_1 "sluice.cluster/1"

typedef struct sluice_routing_v1 {
  /* sizeof(sluice_routing_v1) as the plugin was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* Chooses a cluster (sluice_cluster_v1.choose) or leaves the route's. In the manifest: phase "routing".
     Returns SLUICE_CONTINUE, SLUICE_ANSWERED or an error. [worker | routing | must not park] */
  int32_t (*choose)(void *instance, sluice_request *request);
} sluice_routing_v1;

typedef struct sluice_cluster_v1 {
  /* sizeof(sluice_cluster_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* The request goes to the cluster of this name instead of the route's. The last word counts. Only on routes that proxy.
     SLUICE_ENOTFOUND: the configuration in force has no such cluster. [worker | rewrite, access, routing | must not park] */
  int32_t (*choose)(sluice_request *request, sluice_view name);

  /* Is there a cluster of this name? SLUICE_OK or SLUICE_ENOTFOUND. [worker | rewrite, access, routing | must not park] */
  int32_t (*find)(const sluice_request *request, sluice_view name);
} sluice_cluster_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_routing_v1) == 16 && offsetof(sluice_routing_v1, choose) == 8, "sluice_routing_v1");
SLUICE_STATIC_ASSERT(sizeof(sluice_cluster_v1) == 24 && offsetof(sluice_cluster_v1, find) == 16, "sluice_cluster_v1");

SLUICE_END
#endif
