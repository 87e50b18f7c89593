//! The dashboard: one card per number, a switch of units, and a button that asks the sources again.

use leptos::either::Either;
use leptos::prelude::*;
use usdfc_core::{Amount, Band, Freshness, Origin, Reading, Snapshot, format};

use crate::remote::{Page, Refresh, read_page};

/// Shown in place of a number that nobody has delivered yet.
const NOTHING: &str = "—";

#[component]
pub fn Dashboard() -> impl IntoView {
    let page = Resource::new(|| (), |()| read_page());
    view! {
        <Suspense fallback=|| view! { <p class="page">"Loading…"</p> }>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(page) => Either::Left(view! { <Panel page /> }),
                    Err(error) => Either::Right(view! {
                        <main class="page">
                            <p class="notice" role="alert">{error.to_string()}</p>
                        </main>
                    }),
                }
            })}
        </Suspense>
    }
}

/// The page around one snapshot, which a refresh replaces.
#[component]
fn Panel(page: Page) -> impl IntoView {
    let Page { snapshot: first, version, revision } = page;
    let refresh = ServerAction::<Refresh>::new();
    let answer = refresh.value();
    let (snapshot, set_snapshot) = signal(first);
    let in_dollars = RwSignal::new(false);
    let hydrated = RwSignal::new(false);

    // Effects run in the browser only.
    Effect::new(move || hydrated.set(true));
    Effect::new(move || {
        if let Some(Ok(renewed)) = answer.get() {
            set_snapshot.set(renewed);
        }
    });

    view! {
        <header class="masthead">
            <div>
                <h1>"USDFC Analytics Terminal"</h1>
                <p class="subtitle">"The stablecoin on Filecoin, as its contracts report it"</p>
            </div>
            {move || (snapshot.read().origin == Origin::Demo).then(|| view! {
                <p class="badge" data-testid="demo-badge">"demo data"</p>
            })}
        </header>
        <main
            class="page"
            id="dashboard"
            data-testid="dashboard"
            data-hydrated=move || hydrated.get().to_string()
        >
            <Notices snapshot />
            <section class="toolbar" aria-label="Controls">
                <p id="as-of" data-testid="as-of">
                    {move || snapshot.with(measured_at)}
                </p>
                <p class="muted">
                    "Reading "
                    <output id="sequence" data-testid="sequence">
                        {move || snapshot.read().sequence}
                    </output>
                </p>
                <button
                    type="button"
                    class="needs-script"
                    id="unit-toggle"
                    data-testid="unit-toggle"
                    aria-pressed=move || in_dollars.get().to_string()
                    on:click=move |_| in_dollars.update(|on| *on = !*on)
                >
                    {move || if in_dollars.get() { "Collateral in FIL" } else { "Collateral in US dollars" }}
                </button>
                // A form, so that the button works before and without the script.
                <ActionForm action=refresh>
                    <button
                        type="submit"
                        id="refresh"
                        data-testid="refresh"
                        disabled=move || refresh.pending().get()
                    >
                        {move || if refresh.pending().get() { "Asking…" } else { "Refresh" }}
                    </button>
                </ActionForm>
            </section>
            {move || matches!(answer.get(), Some(Err(_))).then(|| view! {
                <p class="notice" role="alert" data-testid="refresh-error">
                    "The server did not answer. The numbers below are the last ones it sent."
                </p>
            })}
            <Cards snapshot in_dollars />
        </main>
        <footer class="footer">
            // `external` keeps the router of the page from looking for these addresses itself.
            <nav aria-label="Machine-readable data">
                <a rel="external" href="/api/v1/metrics">"metrics as JSON"</a>
                <a rel="external" href="/api/health/detailed">"health of the sources"</a>
            </nav>
            <p data-testid="version">{format!("version {version}, revision {revision}")}</p>
        </footer>
    }
}

/// What the reader must know before trusting the numbers.
#[component]
fn Notices(snapshot: ReadSignal<Snapshot>) -> impl IntoView {
    move || {
        let snapshot = snapshot.read();
        let age = match snapshot.freshness() {
            Freshness::Fresh => None,
            Freshness::Stale => Some("Some numbers are stale: their source did not answer the last time."),
            Freshness::Unknown => Some("Some numbers are not known yet: their source has not answered."),
        };
        age.map(str::to_owned)
            .into_iter()
            .chain(snapshot.notices.iter().cloned())
            .map(|text| view! { <p class="notice" role="status" data-testid="notice">{text}</p> })
            .collect_view()
    }
}

#[component]
fn Cards(snapshot: ReadSignal<Snapshot>, in_dollars: RwSignal<bool>) -> impl IntoView {
    let band = move || snapshot.read().collateral_ratio().map(Band::of);
    view! {
        <section class="cards" aria-label="Metrics">
            <Card
                id="supply"
                label="Supply"
                value=Signal::derive(move || tokens(snapshot.read().supply, "USDFC"))
                freshness=Signal::derive(move || snapshot.read().supply.freshness)
            />
            <Card
                id="collateral"
                label="Collateral"
                value=Signal::derive(move || collateral(&snapshot.read(), in_dollars.get()))
                freshness=Signal::derive(move || snapshot.read().collateral.freshness)
            />
            <Card
                id="tcr"
                label="Total collateral ratio"
                value=Signal::derive(move || {
                    snapshot.read().collateral_ratio().map_or(NOTHING.to_owned(), format::percent)
                })
                freshness=Signal::derive(move || snapshot.read().ratio_freshness())
            >
                <p
                    class="band"
                    id="tcr-band"
                    data-testid="tcr-band"
                    data-band=move || band().map_or("unknown", Band::name)
                >
                    {move || band().map_or("unknown", describe)}
                </p>
            </Card>
            <Card
                id="troves"
                label="Troves"
                value=Signal::derive(move || {
                    let count = snapshot.read().troves.value;
                    count.map_or(NOTHING.to_owned(), |count| format::grouped(count.into()))
                })
                freshness=Signal::derive(move || snapshot.read().troves.freshness)
            />
            <Card
                id="stability-pool"
                label="Stability pool"
                value=Signal::derive(move || tokens(snapshot.read().stability_pool, "USDFC"))
                freshness=Signal::derive(move || snapshot.read().stability_pool.freshness)
            >
                <p class="muted" data-testid="stability-pool-collateral">
                    {move || {
                        let gained = tokens(snapshot.read().stability_pool_collateral, "FIL");
                        format!("{gained} gained from liquidations")
                    }}
                </p>
            </Card>
            <Card
                id="price"
                label="Price of FIL"
                value=Signal::derive(move || {
                    snapshot.read().price.value.map_or(NOTHING.to_owned(), format::dollars)
                })
                freshness=Signal::derive(move || snapshot.read().price.freshness)
            />
        </section>
    }
}

#[component]
fn Card(
    id: &'static str,
    label: &'static str,
    value: Signal<String>,
    freshness: Signal<Freshness>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <article class="card" id=id data-testid=id data-freshness=move || name(freshness.get())>
            <h2>{label}</h2>
            <p class="value" data-testid=format!("{id}-value")>
                {move || value.get()}
            </p>
            {children.map(|children| children())}
            {move || (freshness.get() != Freshness::Fresh).then(|| view! {
                <p class="age">{name(freshness.get())}</p>
            })}
        </article>
    }
}

fn name(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::Fresh => "fresh",
        Freshness::Stale => "stale",
        Freshness::Unknown => "unknown",
    }
}

fn describe(band: Band) -> &'static str {
    match band {
        Band::Danger => "danger: under 150 %, recovery mode",
        Band::Warning => "warning: under 200 %",
        Band::Healthy => "healthy: 200 % or more",
    }
}

fn measured_at(snapshot: &Snapshot) -> String {
    snapshot
        .as_of
        .map_or_else(|| "No reading yet".to_owned(), |seconds| format!("As of {}", format::utc(seconds)))
}

fn tokens(reading: Reading<Amount>, unit: &str) -> String {
    reading.value.map_or(NOTHING.to_owned(), |value| format!("{} {unit}", format::amount(value, 2)))
}

fn collateral(snapshot: &Snapshot, in_dollars: bool) -> String {
    if in_dollars {
        snapshot.collateral_value().map_or(NOTHING.to_owned(), format::dollars)
    } else {
        tokens(snapshot.collateral, "FIL")
    }
}
