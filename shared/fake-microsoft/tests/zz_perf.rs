use axum::{body::Body, http::Request};
use fake_microsoft::*;
use http_body_util::BodyExt;
use tower::ServiceExt;
#[path = "fake/support.rs"]
mod support;
#[tokio::test]
async fn perf() {
    let s = support::Session::new(&[1998]);
    let token = s.customer_token(0).await;
    let sel = "id,userPrincipalName,mail,proxyAddresses,displayName,givenName,surname,accountEnabled,userType,jobTitle,department,companyName,officeLocation,businessPhones,mobilePhone,assignedLicenses,externalUserState,onPremisesSyncEnabled,createdDateTime";
    for _ in 0..5 {
        let t = std::time::Instant::now();
        let p = s.fake.world().users(s.tenant(0)).len();
        let a = t.elapsed();
        let t = std::time::Instant::now();
        let b = s.graph(&format!("/users?$select={sel}&$top=999"), &token).await.text.len();
        eprintln!("gen {p} {a:?} page {b} bytes {:?}", t.elapsed());
    }
    let t = std::time::Instant::now();
    let mut c = WorldConfig::sample(3, &[]);
    c.sizes = Sizes::Uniform { tenants: 1000, users: 1000 };
    let w = World::generate(c);
    eprintln!("world {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let n: usize = w.psa_seed().iter().map(|c| c.contacts.len()).sum();
    eprintln!("psa {n} {:?}", t.elapsed());
    let p = s.graph(&format!("/users?$select={sel}&$top=40"), &token).await.json();
    for r in p["value"].as_array().unwrap() {
        eprintln!("{r}");
    }
    for t in World::generate(WorldConfig::sample(7, &[3; 12])).tenants() {
        eprintln!("{} {:?}", t.display_name, t.domains.iter().map(|d| &d.name).collect::<Vec<_>>());
    }
}
