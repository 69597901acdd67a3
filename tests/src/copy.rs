//! A service's schema copied and put back, as who restores an older backup does.

use proto::Service;
use sqlx::{AssertSqlSafe, Executor, PgPool};

/// A copy of one schema, kept beside it.
pub struct Copy {
    pool: PgPool,
    schema: &'static str,
    tables: Vec<String>,
}

impl Copy {
    /// Nobody may write meanwhile.
    pub async fn take(database_url: &str, service: Service) -> Copy {
        let pool = PgPool::connect(database_url).await.expect("the database is there");
        let schema = service.schema();
        let tables: Vec<String> =
            sqlx::query_scalar("select tablename::text from pg_tables where schemaname = $1 order by 1")
                .bind(schema)
                .fetch_all(&pool)
                .await
                .expect("tables are listed");
        let copy = Copy { pool, schema, tables };
        copy.run(format!("create schema {schema}_copy")).await;
        for table in &copy.tables {
            copy.run(format!("create table {schema}_copy.{table} as table {schema}.{table}")).await;
        }
        copy
    }

    /// Everything is as it was when the copy was made.
    pub async fn put_back(self) {
        let schema = self.schema;
        let all: Vec<String> = self.tables.iter().map(|table| format!("{schema}.{table}")).collect();
        self.run(format!("truncate {}", all.join(", "))).await;
        for table in &self.tables {
            let insert = "overriding system value select * from";
            self.run(format!("insert into {schema}.{table} {insert} {schema}_copy.{table}")).await;
        }
        self.run(format!("drop schema {schema}_copy cascade")).await;
    }

    async fn run(&self, sql: String) {
        self.pool.execute(AssertSqlSafe(sql.clone())).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}
