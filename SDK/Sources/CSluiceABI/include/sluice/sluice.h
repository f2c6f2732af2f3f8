/* The whole contract of release 1: include this one. Each header is one capability and its own manual; read base.h,
   plugin.h, manifest.h and filter.h first, then the tables you need. json.h (a reader for configurations) and helpers.h (less typing) are
   not included here, draft/ holds what is not promised yet. ABI.md beside Package.swift tells the promises. */
#ifndef SLUICE_SLUICE_H
#define SLUICE_SLUICE_H
#include <sluice/base.h>
#include <sluice/manifest.h>
#include <sluice/host.h>
#include <sluice/plugin.h>
#include <sluice/request.h>
#include <sluice/request_edit.h>
#include <sluice/answer.h>
#include <sluice/response.h>
#include <sluice/body.h>
#include <sluice/exchange_log.h>
#include <sluice/memory.h>
#include <sluice/filter.h>
#include <sluice/request_body.h>
#include <sluice/header_batch.h>
#include <sluice/routing.h>
#include <sluice/balancer.h>
#include <sluice/content.h>
#include <sluice/suspend.h>
#include <sluice/loop.h>
#include <sluice/io.h>
#include <sluice/http_client.h>
#include <sluice/background.h>
#include <sluice/worker.h>
#include <sluice/variables.h>
#include <sluice/metrics.h>
#include <sluice/crypto.h>
#include <sluice/rule_functions.h>
#endif
